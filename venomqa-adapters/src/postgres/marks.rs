use std::collections::HashMap;
use std::sync::Arc;

use super::sequences::Sequences;
use crate::Checkpoint;
use crate::database::history::{Change, Delta, History};

/// The tree of checkpoints. Its edges are sets of marks; the rows under a mark are in the database.
#[derive(Debug)]
pub(super) struct Marks {
    history: History<i64, ()>,
    position: Checkpoint,
    /// What the sequences held at each checkpoint that can be gone to.
    sequences: HashMap<Checkpoint, Arc<Sequences>>,
    /// The marks that are in the database and on no edge any more.
    dead: Vec<i64>,
    last: u64,
}

/// The marks to take back and those to add, from one checkpoint to another.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Way {
    pub(super) up: Vec<i64>,
    pub(super) down: Vec<i64>,
    /// All those from the root to the latter.
    pub(super) there: Vec<i64>,
}

impl Way {
    pub(super) fn is_empty(&self) -> bool {
        self.up.is_empty() && self.down.is_empty()
    }
}

impl Marks {
    pub(super) const ROOT: Checkpoint = Checkpoint(0);
    /// So many marks are worth a statement that removes their rows.
    const WORTHWHILE: usize = 64;

    pub(super) fn new(root: Arc<Sequences>) -> Self {
        let mut history = History::new(Self::ROOT);
        history.move_to(Some(Self::ROOT));
        Self {
            history,
            position: Self::ROOT,
            sequences: HashMap::from([(Self::ROOT, root)]),
            dead: Vec::new(),
            last: Self::ROOT.0,
        }
    }

    /// Seals a child of the position, and moves there.
    pub(super) fn seal(&mut self, marks: Vec<i64>, sequences: Arc<Sequences>) -> Checkpoint {
        self.last += 1;
        let child = Checkpoint(self.last);
        let bytes = 200 + marks.len() * 32 + sequences.bytes();
        let added = Change {
            old: None,
            new: Some(()),
        };
        let delta: Delta<_, _> = marks.iter().map(|&mark| (mark, added.clone())).collect();
        let gone = self.history.add_child(child, delta, bytes);
        self.bury_all(gone);
        self.sequences.insert(child, sequences);
        self.position = child;
        child
    }

    pub(super) fn contains(&self, checkpoint: Checkpoint) -> bool {
        self.history.contains(checkpoint)
    }

    /// What the sequences held at a checkpoint that can be gone to.
    pub(super) fn sequences(&self, checkpoint: Checkpoint) -> Option<&Arc<Sequences>> {
        self.sequences.get(&checkpoint)
    }

    /// The way from the position to another checkpoint.
    pub(super) fn way(&self, to: Checkpoint) -> Way {
        let there = self.history.way(Self::ROOT, to);
        let mut way = Way {
            there: there.into_keys().collect(),
            ..Way::default()
        };
        for (mark, change) in self.history.way(self.position, to) {
            match change.new {
                Some(()) => way.down.push(mark),
                None => way.up.push(mark),
            }
        }
        way
    }

    pub(super) fn move_to(&mut self, to: Checkpoint) {
        self.position = to;
        let gone = self.history.move_to(Some(to));
        self.bury_all(gone);
    }

    pub(super) fn release(&mut self, checkpoint: Checkpoint) {
        self.sequences.remove(&checkpoint);
        let gone = self.history.release(checkpoint);
        self.bury_all(gone);
    }

    fn bury_all(&mut self, gone: Vec<Delta<i64, ()>>) {
        self.bury(gone.into_iter().flat_map(Delta::into_keys));
    }

    /// Takes in that these marks are on no edge: their rows can be removed.
    pub(super) fn bury(&mut self, marks: impl IntoIterator<Item = i64>) {
        self.dead.extend(marks);
    }

    /// The marks whose rows can be removed, once there are enough of them.
    pub(super) fn dead(&self) -> &[i64] {
        match self.dead.len() < Self::WORTHWHILE {
            true => &[],
            false => &self.dead,
        }
    }

    /// What [`dead`](Self::dead) told is not in the database any more.
    pub(super) fn forget_dead(&mut self) {
        if self.dead.len() >= Self::WORTHWHILE {
            self.dead.clear();
        }
    }

    pub(super) fn bytes(&self) -> usize {
        self.history.bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nothing() -> Arc<Sequences> {
        Arc::default()
    }

    #[test]
    fn marks_of_released_checkpoints_are_dead_unless_a_descendant_needs_them() {
        let mut tree = Marks::new(nothing());
        let parent = tree.seal(vec![1, 2], nothing());
        let child = tree.seal(vec![3], nothing());
        tree.move_to(parent);
        let many: Vec<_> = (4..).take(Marks::WORTHWHILE).collect();
        let other = tree.seal(many.clone(), nothing());
        tree.move_to(child);
        tree.release(parent);
        assert_eq!(tree.dead, [0; 0]);
        tree.release(other);
        assert_eq!(tree.dead(), many);
        assert_eq!(
            tree.way(Marks::ROOT),
            Way {
                up: vec![1, 2, 3],
                down: vec![],
                there: vec![],
            }
        );
        tree.forget_dead();
        assert_eq!(tree.dead, [0; 0]);
        // The position goes once it is left.
        tree.release(child);
        assert_eq!(tree.dead, [0; 0]);
        tree.move_to(Marks::ROOT);
        tree.dead.sort_unstable();
        assert_eq!(tree.dead, [1, 2, 3]);
        // So few wait for others.
        assert_eq!(tree.dead(), [0; 0]);
        tree.forget_dead();
        assert_eq!(tree.dead, [1, 2, 3]);
    }
}
