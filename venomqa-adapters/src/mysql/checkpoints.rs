use std::collections::HashMap;
use std::sync::Arc;

use super::counters::Counters;
use super::journal::Place;
use crate::Checkpoint;
use crate::database::history::{Delta, History};

/// All checkpoints, and the position among them.
#[derive(Debug)]
pub(super) struct Checkpoints {
    history: History<Place, i64>,
    counters: HashMap<Checkpoint, Arc<Counters>>,
    /// Those on the way from the root to the position, where only these can be gone back to.
    stack: Option<Vec<Checkpoint>>,
    position: Checkpoint,
    next: u64,
}

impl Checkpoints {
    /// The checkpoint with which everything begins.
    pub(super) const ROOT: Checkpoint = Checkpoint(0);

    /// Only the root. `jumps` says whether one can go from any checkpoint to any other.
    pub(super) fn new(counters: Arc<Counters>, jumps: bool) -> Self {
        let mut history = History::new(Self::ROOT);
        history.move_to(Some(Self::ROOT));
        Self {
            history,
            counters: HashMap::from([(Self::ROOT, counters)]),
            stack: (!jumps).then(|| vec![Self::ROOT]),
            position: Self::ROOT,
            next: 1,
        }
    }

    pub(super) fn can_restore(&self, to: Checkpoint) -> bool {
        let on_stack = |stack: &Vec<_>| stack.contains(&to);
        self.history.contains(to) && self.stack.as_ref().is_none_or(on_stack)
    }

    /// The checkpoint that is sealed next.
    pub(super) fn next(&self) -> Checkpoint {
        Checkpoint(self.next)
    }

    /// Seals a state that these rows lead to from the position, and goes there.
    pub(super) fn add_child(
        &mut self,
        delta: Delta<Place, i64>,
        counters: Arc<Counters>,
    ) -> Checkpoint {
        let sealed = self.next();
        self.next += 1;
        // Besides its bytes an entry has a place in a tree.
        let bytes = delta
            .keys()
            .map(|place| place.image.bytes().len() + 120)
            .sum();
        self.history.add_child(sealed, delta, bytes);
        self.counters.insert(sealed, counters);
        self.position = sealed;
        if let Some(stack) = &mut self.stack {
            stack.push(sealed);
        }
        sealed
    }

    /// What leads from the position to a checkpoint: rows, and counters.
    pub(super) fn way(&self, to: Checkpoint) -> (Delta<Place, i64>, Arc<Counters>) {
        let counters = self.counters.get(&to).cloned().unwrap_or_default();
        (self.history.way(self.position, to), counters)
    }

    pub(super) fn move_to(&mut self, to: Checkpoint) {
        self.history.move_to(Some(to));
        self.position = to;
        let Some(stack) = &mut self.stack else { return };
        if let Some(at) = stack.iter().position(|checkpoint| *checkpoint == to) {
            // Going back destroys what came later.
            for gone in stack.split_off(at + 1) {
                self.history.release(gone);
                self.counters.remove(&gone);
            }
        }
    }

    pub(super) fn release(&mut self, checkpoint: Checkpoint) {
        self.history.release(checkpoint);
        self.counters.remove(&checkpoint);
    }

    /// About what all checkpoints take in memory.
    pub(super) fn bytes(&self) -> usize {
        self.history.bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seal(checkpoints: &mut Checkpoints) -> Checkpoint {
        checkpoints.add_child(Delta::new(), Arc::default())
    }

    #[test]
    fn a_stack_forgets_what_it_went_back_over() {
        let mut checkpoints = Checkpoints::new(Arc::default(), false);
        let (one, two) = (seal(&mut checkpoints), seal(&mut checkpoints));
        checkpoints.move_to(one);
        assert!(!checkpoints.can_restore(two));
        assert!(checkpoints.can_restore(one) && checkpoints.can_restore(Checkpoints::ROOT));
        assert_ne!(seal(&mut checkpoints), two);
    }

    #[test]
    fn elsewhere_all_stay_in_reach_until_released() {
        let mut checkpoints = Checkpoints::new(Arc::default(), true);
        let (one, two) = (seal(&mut checkpoints), seal(&mut checkpoints));
        checkpoints.move_to(one);
        assert!(checkpoints.can_restore(two));
        checkpoints.release(two);
        assert!(!checkpoints.can_restore(two));
    }
}
