use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::schema::{Place, Plan};
use super::snapshot::Snapshot;
use super::value::Image;
use crate::Checkpoint;
use crate::database::history::{Delta, History};

/// All checkpoints, and the position among them.
///
/// Checkpoints between which the schema stayed the same form an island: a tree with the changed rows on its edges, and a
/// full copy of its root, from which the island can be reached from outside. Where rows cannot be followed at all, every
/// checkpoint is an island of its own.
#[derive(Debug)]
pub(super) struct Islands {
    islands: BTreeMap<Checkpoint, Island>,
    /// The root of the island that each checkpoint is on.
    whereabouts: HashMap<Checkpoint, Checkpoint>,
    position: Checkpoint,
    next: u64,
}

/// Checkpoints that lead to each other by rows.
#[derive(Debug)]
pub(super) struct Island {
    pub(super) plan: Arc<Plan>,
    /// Absent in the mode that makes no copies: there is only one island then.
    pub(super) copy: Option<Snapshot>,
    pub(super) tree: History<Place, Image>,
}

impl Islands {
    /// The checkpoint with which everything begins.
    pub(super) const ROOT: Checkpoint = Checkpoint(0);

    /// Only the root.
    pub(super) fn new(plan: Arc<Plan>, copy: Option<Snapshot>) -> Self {
        let mut islands = Self {
            islands: BTreeMap::new(),
            whereabouts: HashMap::new(),
            position: Self::ROOT,
            next: 0,
        };
        islands.add_island(plan, copy);
        islands
    }

    pub(super) fn position(&self) -> Checkpoint {
        self.position
    }

    /// The root of the island with this checkpoint.
    pub(super) fn root_of(&self, checkpoint: Checkpoint) -> Checkpoint {
        self.whereabouts[&checkpoint]
    }

    /// The island with this checkpoint.
    pub(super) fn island_of(&self, checkpoint: Checkpoint) -> &Island {
        &self.islands[&self.root_of(checkpoint)]
    }

    pub(super) fn can_restore(&self, to: Checkpoint) -> bool {
        let root = self.whereabouts.get(&to);
        let island = root.and_then(|root| self.islands.get(root));
        island.is_some_and(|island| island.tree.contains(to))
    }

    /// Seals a state that these rows lead to from the position, and goes there.
    pub(super) fn add_child(&mut self, delta: Delta<Place, Image>) -> Checkpoint {
        let weigh = |image: &Option<Image>| image.as_ref().map_or(0, Image::bytes);
        let changes = delta.values();
        let bytes = changes
            .map(|change| 96 + weigh(&change.old) + weigh(&change.new))
            .sum();
        let (sealed, root) = (self.number(), self.root_of(self.position));
        if let Some(island) = self.islands.get_mut(&root) {
            island.tree.add_child(sealed, delta, bytes);
        }
        self.whereabouts.insert(sealed, root);
        self.move_to(sealed);
        sealed
    }

    /// Seals a state that only a copy leads to, and goes there.
    pub(super) fn add_island(&mut self, plan: Arc<Plan>, copy: Option<Snapshot>) -> Checkpoint {
        let sealed = self.number();
        let tree = History::new(sealed);
        self.islands.insert(sealed, Island { plan, copy, tree });
        self.whereabouts.insert(sealed, sealed);
        self.move_to(sealed);
        sealed
    }

    fn number(&mut self) -> Checkpoint {
        let number = Checkpoint(self.next);
        self.next += 1;
        number
    }

    pub(super) fn move_to(&mut self, to: Checkpoint) {
        let before = std::mem::replace(&mut self.position, to);
        let (left, reached) = (self.root_of(before), self.root_of(to));
        if let Some(island) = self.islands.get_mut(&reached) {
            island.tree.move_to(Some(to));
        }
        if left != reached
            && let Some(island) = self.islands.get_mut(&left)
        {
            island.tree.move_to(None);
        }
        self.forget(before);
    }

    pub(super) fn release(&mut self, checkpoint: Checkpoint) {
        if let Some(root) = self.whereabouts.get(&checkpoint) {
            if let Some(island) = self.islands.get_mut(root) {
                island.tree.release(checkpoint);
            }
            self.forget(checkpoint);
        }
    }

    /// Forgets where a checkpoint is if nobody can ask for it any more, and its island if it was the last one there.
    fn forget(&mut self, checkpoint: Checkpoint) {
        let root = self.root_of(checkpoint);
        if checkpoint != self.position && checkpoint != root && !self.can_restore(checkpoint) {
            self.whereabouts.remove(&checkpoint);
        }
        if self
            .islands
            .get(&root)
            .is_some_and(|island| island.tree.is_empty())
        {
            self.islands.remove(&root);
            self.whereabouts.remove(&root);
        }
    }

    /// About what all checkpoints take in memory.
    pub(super) fn bytes(&self) -> usize {
        let copy = |island: &Island| island.copy.as_ref().map_or(0, Snapshot::bytes);
        let islands = self.islands.values();
        islands
            .map(|island| island.tree.bytes() + copy(island))
            .sum()
    }
}
