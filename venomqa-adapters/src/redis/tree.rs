use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::entry::{Entry, Place};
use crate::Checkpoint;
use crate::database::history::{Change, Delta, History};

/// What changed, by key.
pub(super) type Changes = Delta<Place, Arc<Entry>>;

/// The checkpoints of a run, reachable while the session is at work elsewhere.
#[derive(Clone, Debug)]
pub(super) struct Tree(Arc<Mutex<Inner>>);

#[derive(Debug)]
struct Inner {
    history: History<Place, Arc<Entry>>,
    position: Checkpoint,
    next: u64,
}

impl Tree {
    pub(super) const ROOT: Checkpoint = Checkpoint(0);

    pub(super) fn new() -> Self {
        let mut history = History::new(Self::ROOT);
        history.move_to(Some(Self::ROOT));
        Self(Arc::new(Mutex::new(Inner {
            history,
            position: Self::ROOT,
            next: 1,
        })))
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn add_child(&self, changes: Changes) -> Checkpoint {
        let inner = &mut *self.inner();
        let child = Checkpoint(inner.next);
        inner.next += 1;
        let size = |entry: &Option<Arc<Entry>>| entry.as_ref().map_or(0, |entry| entry.bytes());
        let bytes = changes
            .values()
            .map(|Change { old, new }| size(old) + size(new));
        let bytes = bytes.sum();
        inner.history.add_child(child, changes, bytes);
        inner.position = child;
        child
    }

    pub(super) fn contains(&self, checkpoint: Checkpoint) -> bool {
        self.inner().history.contains(checkpoint)
    }

    /// What changes on the way from the position.
    pub(super) fn way(&self, to: Checkpoint) -> Changes {
        let inner = self.inner();
        inner.history.way(inner.position, to)
    }

    pub(super) fn move_to(&self, to: Checkpoint) {
        let inner = &mut *self.inner();
        inner.history.move_to(Some(to));
        inner.position = to;
    }

    pub(super) fn release(&self, checkpoint: Checkpoint) {
        self.inner().history.release(checkpoint);
    }

    pub(super) fn bytes(&self) -> usize {
        self.inner().history.bytes()
    }
}
