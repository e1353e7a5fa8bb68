use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use super::sequences::Sequences;
use crate::Checkpoint;
use crate::database::history::{Change, Delta, History};

/// How many checkpoints are released before the marks that only they had are looked for.
const WORTH_A_LOOK: usize = 100;

/// The tree of checkpoints. Its edges are sets of marks; the rows under a mark are in the database.
#[derive(Debug)]
pub(super) struct Marks {
    history: History<i64, ()>,
    position: Checkpoint,
    /// What the sequences held at each checkpoint that can be gone to.
    sequences: HashMap<Checkpoint, Arc<Sequences>>,
    /// The marks of all edges, also of those that are gone.
    journaled: BTreeSet<i64>,
    last: u64,
    released: usize,
}

/// The marks to take back and those to add, from one checkpoint to another.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Way {
    pub(super) up: Vec<i64>,
    pub(super) down: Vec<i64>,
}

impl Marks {
    pub(super) const ROOT: Checkpoint = Checkpoint(0);

    pub(super) fn new(root: Arc<Sequences>) -> Self {
        let mut history = History::new(Self::ROOT);
        history.move_to(Some(Self::ROOT));
        Self {
            history,
            position: Self::ROOT,
            sequences: HashMap::from([(Self::ROOT, root)]),
            journaled: BTreeSet::new(),
            last: Self::ROOT.0,
            released: 0,
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
        self.journaled.extend(marks);
        self.history.add_child(child, delta, bytes);
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
        let mut way = Way::default();
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
        self.history.move_to(Some(to));
    }

    pub(super) fn release(&mut self, checkpoint: Checkpoint) {
        self.sequences.remove(&checkpoint);
        self.history.release(checkpoint);
        self.released += 1;
    }

    /// The marks that are on no edge any more, if it is time to look for them.
    pub(super) fn dead(&self) -> Vec<i64> {
        if self.released < WORTH_A_LOOK {
            return Vec::new();
        }
        let held: BTreeSet<_> = self
            .history
            .deltas()
            .flat_map(Delta::keys)
            .copied()
            .collect();
        self.journaled.difference(&held).copied().collect()
    }

    /// These marks are not in the database any more.
    pub(super) fn forget(&mut self, dead: &[i64]) {
        if self.released >= WORTH_A_LOOK {
            self.released = 0;
        }
        for mark in dead {
            self.journaled.remove(mark);
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
        let others: Vec<_> = (10..10 + WORTH_A_LOOK as i64)
            .map(|mark| {
                tree.move_to(parent);
                tree.seal(vec![mark], nothing())
            })
            .collect();
        tree.move_to(child);
        assert_eq!(tree.dead(), [0; 0]);
        tree.release(parent);
        others.iter().for_each(|&other| tree.release(other));
        let dead = tree.dead();
        assert_eq!(dead, (10..10 + WORTH_A_LOOK as i64).collect::<Vec<_>>());
        assert_eq!(
            tree.way(Marks::ROOT),
            Way {
                up: vec![1, 2, 3],
                down: vec![]
            }
        );
        tree.forget(&dead);
        assert_eq!(tree.dead(), [0; 0]);
    }
}
