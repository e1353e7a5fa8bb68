use std::collections::{BTreeMap, HashMap};

use crate::Checkpoint;

/// What one place held before and after; `None` where there was nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Change<V> {
    pub(crate) old: Option<V>,
    pub(crate) new: Option<V>,
}

/// The net difference between two states, by place.
pub(crate) type Delta<K, V> = BTreeMap<K, Change<V>>;

/// Adds a later change of one place to a delta, and drops what came back to where it was.
pub(crate) fn add<K: Ord, V: PartialEq>(delta: &mut Delta<K, V>, place: K, change: Change<V>) {
    use std::collections::btree_map::Entry;
    match delta.entry(place) {
        Entry::Vacant(entry) if change.old != change.new => {
            entry.insert(change);
        }
        Entry::Vacant(_) => {}
        Entry::Occupied(mut entry) => {
            entry.get_mut().new = change.new;
            if entry.get().old == entry.get().new {
                entry.remove();
            }
        }
    }
}

/// Adds the changes of a delta, undone: the way back.
pub(crate) fn add_reversed<K: Ord + Clone, V: Clone + PartialEq>(
    to: &mut Delta<K, V>,
    delta: &Delta<K, V>,
) {
    for (place, Change { old, new }) in delta {
        let (old, new) = (new.clone(), old.clone());
        add(to, place.clone(), Change { old, new });
    }
}

/// The tree of checkpoints, with a delta on each edge.
///
/// From one checkpoint to another leads the way up to the lowest common ancestor, undoing edges, and down again. A
/// released checkpoint with one child gives its delta to the child, one without goes; so memory follows what can be restored.
/// The root stays as long as anything hangs on it.
#[derive(Debug)]
pub(crate) struct History<K, V> {
    root: Checkpoint,
    nodes: HashMap<Checkpoint, Node<K, V>>,
    /// The checkpoint that must not go, because the live state is told as a difference to it.
    position: Option<Checkpoint>,
    bytes: usize,
}

#[derive(Debug)]
struct Node<K, V> {
    parent: Option<Checkpoint>,
    children: Vec<Checkpoint>,
    released: bool,
    depth: u32,
    delta: Delta<K, V>,
    bytes: usize,
}

impl<K: Ord + Clone, V: Clone + PartialEq> History<K, V> {
    pub(crate) fn new(root: Checkpoint) -> Self {
        let node = Node {
            parent: None,
            children: Vec::new(),
            released: false,
            depth: 0,
            delta: Delta::new(),
            bytes: 0,
        };
        Self {
            root,
            nodes: HashMap::from([(root, node)]),
            position: None,
            bytes: 0,
        }
    }

    #[cfg(feature = "sqlite")]
    pub(crate) fn root(&self) -> Checkpoint {
        self.root
    }

    /// Whether this checkpoint can be gone to: it is here and was not released.
    pub(crate) fn contains(&self, checkpoint: Checkpoint) -> bool {
        self.nodes
            .get(&checkpoint)
            .is_some_and(|node| !node.released)
    }

    /// Whether nothing can be gone to any more.
    #[cfg(any(feature = "sqlite", test))]
    pub(crate) fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    /// The estimated size of all deltas, as given to [`add_child`](Self::add_child).
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Adds a child of the position and moves there. `bytes` is what the delta takes in memory. Returns what
    /// [`move_to`](Self::move_to) does.
    pub(crate) fn add_child(
        &mut self,
        child: Checkpoint,
        delta: Delta<K, V>,
        bytes: usize,
    ) -> Vec<Delta<K, V>> {
        let parent = self.position.unwrap_or(self.root);
        let depth = self.nodes[&parent].depth + 1;
        let node = Node {
            parent: Some(parent),
            children: Vec::new(),
            released: false,
            depth,
            delta,
            bytes,
        };
        self.nodes.insert(child, node);
        self.node(parent).children.push(child);
        self.bytes += bytes;
        self.move_to(Some(child))
    }

    /// Moves the position, to `None` if it leaves this tree. Returns the deltas that are on no edge any more.
    pub(crate) fn move_to(&mut self, to: Option<Checkpoint>) -> Vec<Delta<K, V>> {
        match std::mem::replace(&mut self.position, to) {
            Some(left) => self.prune(left),
            None => Vec::new(),
        }
    }

    /// What changes on the way from one checkpoint to another, both of which are in the tree.
    pub(crate) fn way(&self, from: Checkpoint, to: Checkpoint) -> Delta<K, V> {
        let mut net = Delta::new();
        let (mut up, mut down) = (from, to);
        let mut descent = Vec::new();
        while up != down {
            let (node, target) = (&self.nodes[&up], &self.nodes[&down]);
            if node.depth >= target.depth {
                add_reversed(&mut net, &node.delta);
                up = node.parent.unwrap_or(up);
            } else {
                descent.push(&target.delta);
                down = target.parent.unwrap_or(down);
            }
        }
        for delta in descent.into_iter().rev() {
            for (place, change) in delta {
                add(&mut net, place.clone(), change.clone());
            }
        }
        net
    }

    /// Lets go of a checkpoint. Returns the deltas that are on no edge any more.
    pub(crate) fn release(&mut self, checkpoint: Checkpoint) -> Vec<Delta<K, V>> {
        match self.nodes.get_mut(&checkpoint) {
            Some(node) => {
                node.released = true;
                self.prune(checkpoint)
            }
            None => Vec::new(),
        }
    }

    /// Removes a released checkpoint if nothing needs it, and then what only it had needed.
    fn prune(&mut self, checkpoint: Checkpoint) -> Vec<Delta<K, V>> {
        let mut gone = Vec::new();
        let mut next = Some(checkpoint);
        while let Some(checkpoint) = next.take() {
            let Some(node) = self.nodes.get(&checkpoint) else {
                break;
            };
            if !node.released || self.position == Some(checkpoint) {
                break;
            }
            match (node.children.as_slice(), node.parent) {
                ([], parent) => {
                    self.bytes -= node.bytes;
                    gone.extend(self.nodes.remove(&checkpoint).map(|node| node.delta));
                    if let Some(parent) = parent {
                        self.node(parent)
                            .children
                            .retain(|child| *child != checkpoint);
                    }
                    next = parent;
                }
                (&[child], Some(parent)) => self.merge(checkpoint, child, parent),
                _ => {}
            }
        }
        gone
    }

    fn merge(&mut self, middle: Checkpoint, child: Checkpoint, parent: Checkpoint) {
        let Some(gone) = self.nodes.remove(&middle) else {
            return;
        };
        let node = self.node(child);
        let mut delta = gone.delta;
        for (place, change) in std::mem::take(&mut node.delta) {
            add(&mut delta, place, change);
        }
        // The depth of the child stays: only the order along a path counts.
        node.delta = delta;
        node.bytes += gone.bytes;
        node.parent = Some(parent);
        for sibling in &mut self.node(parent).children {
            if *sibling == middle {
                *sibling = child;
            }
        }
    }

    fn node(&mut self, checkpoint: Checkpoint) -> &mut Node<K, V> {
        self.nodes
            .get_mut(&checkpoint)
            .expect("edges lead to checkpoints of the tree")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Puts a value in the place of another.
    fn delta(changes: &[(&'static str, Option<i32>, Option<i32>)]) -> Delta<&'static str, i32> {
        changes
            .iter()
            .map(|&(place, old, new)| (place, Change { old, new }))
            .collect()
    }

    /// Root 0 with the line 1, 2 and the branch 3 from 1.
    fn tree() -> History<&'static str, i32> {
        let mut tree = History::new(Checkpoint(0));
        tree.move_to(Some(Checkpoint(0)));
        tree.add_child(Checkpoint(1), delta(&[("a", None, Some(1))]), 10);
        tree.add_child(
            Checkpoint(2),
            delta(&[("a", Some(1), None), ("b", None, Some(2))]),
            10,
        );
        tree.move_to(Some(Checkpoint(1)));
        tree.add_child(Checkpoint(3), delta(&[("a", Some(1), Some(3))]), 10);
        tree
    }

    fn check(
        tree: &History<&'static str, i32>,
        from: u64,
        to: u64,
        way: &[(&'static str, Option<i32>, Option<i32>)],
    ) {
        assert_eq!(tree.way(Checkpoint(from), Checkpoint(to)), delta(way));
    }

    #[test]
    fn a_jump_is_the_net_of_its_edges() {
        let tree = tree();
        check(&tree, 0, 2, &[("b", None, Some(2))]);
        check(&tree, 2, 3, &[("a", None, Some(3)), ("b", Some(2), None)]);
        check(&tree, 3, 3, &[]);
    }

    #[test]
    fn releasing_what_lies_between_changes_no_way() {
        let mut tree = tree();
        tree.release(Checkpoint(1));
        check(&tree, 2, 3, &[("a", None, Some(3)), ("b", Some(2), None)]);
        tree.release(Checkpoint(2));
        check(&tree, 3, 0, &[("a", Some(3), None)]);
        check(&tree, 0, 3, &[("a", None, Some(3))]);
    }

    #[test]
    fn the_position_goes_only_when_it_is_left() {
        let mut tree = tree();
        tree.release(Checkpoint(3));
        assert!(!tree.contains(Checkpoint(3)));
        check(&tree, 3, 2, &[("a", Some(3), None), ("b", None, Some(2))]);
        tree.move_to(Some(Checkpoint(2)));
        tree.release(Checkpoint(1));
        check(&tree, 2, 0, &[("b", Some(2), None)]);
        // One edge is left, merged from two.
        assert_eq!(tree.bytes(), 20);
    }

    #[test]
    fn nothing_is_kept_of_a_tree_let_go() {
        let mut tree = tree();
        tree.move_to(None);
        for checkpoint in [0, 1, 3, 2] {
            tree.release(Checkpoint(checkpoint));
        }
        assert!(tree.is_empty());
        assert_eq!(tree.bytes(), 0);
    }
}
