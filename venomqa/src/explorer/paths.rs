use std::collections::VecDeque;

use super::graph::{EdgeId, Graph};
use super::ids::{ActionId, Pair, StateId};
use super::pair_set::PairSet;
use super::subject::ActionInfo;

/// What a path may contain.
#[derive(Clone, Debug)]
pub(super) struct PathLimits {
    max_depth: u32,
    /// For each action the counter that it shares with its other instances, if its calls are limited.
    counter: Vec<Option<usize>>,
    /// For each counter the most calls.
    most: Vec<u32>,
}

/// The ways to reach each state that matter under the limits.
///
/// A state may be reached on a short path that has used up the calls of an action, and on a longer one that has not: what can be
/// tried there is the union of both. So each state carries the labels that no other label dominates, as in multi-criteria shortest
/// paths (Martins, "On a multicriteria shortest path problem", 1984). Labels spread over known edges without
/// performing them again.
#[derive(Clone, Debug)]
pub(super) struct Paths {
    limits: PathLimits,
    labels: Vec<Vec<Label>>,
    /// What some label admits.
    admitted: PairSet,
}

#[derive(Clone, Debug)]
struct Label {
    depth: u32,
    calls: Box<[u32]>,
    from: Option<(LabelRef, EdgeId)>,
}

/// One way to reach a state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct LabelRef {
    pub(super) state: StateId,
    index: u32,
}

impl LabelRef {
    /// The empty way to the initial state.
    pub(super) const ROOT: Self = Self {
        state: StateId::ROOT,
        index: 0,
    };
}

impl PathLimits {
    pub(super) fn new(max_depth: u32, actions: &[ActionInfo]) -> Self {
        let mut names: Vec<&str> = Vec::new();
        let mut most = Vec::new();
        let counter = actions.iter().map(|action| {
            let calls = action.max_calls?;
            Some(
                names
                    .iter()
                    .position(|name| *name == action.name)
                    .unwrap_or_else(|| {
                        names.push(&action.name);
                        most.push(calls);
                        names.len() - 1
                    }),
            )
        });
        Self {
            max_depth,
            counter: counter.collect(),
            most,
        }
    }
}

impl Paths {
    /// The paths of a graph that has only its root.
    pub(super) fn new(limits: PathLimits) -> Self {
        let calls = vec![0; limits.most.len()].into();
        let root = Label {
            depth: 0,
            calls,
            from: None,
        };
        Self {
            admitted: PairSet::new(limits.counter.len()),
            limits,
            labels: vec![vec![root]],
        }
    }

    /// The paths over all known edges, shortest first and among equals in the order of registration: the same whatever
    /// order the graph was explored in.
    pub(super) fn canonical(&self, graph: &Graph) -> Self {
        let mut paths = Self::new(self.limits.clone());
        paths.spread(graph, [LabelRef::ROOT].into(), |_, _| {});
        paths
    }

    /// Takes in that a pair was performed and leads somewhere. Returns the new ways to reach its end.
    pub(super) fn extend(&mut self, graph: &Graph, edge: EdgeId) -> VecDeque<LabelRef> {
        let mut added = VecDeque::new();
        let (from, action) = (graph.edge(edge).pair.state, graph.edge(edge).action());
        if let Some(to) = graph.edge(edge).onward() {
            for label in self.labels_of(from) {
                if self.admits(label, action) {
                    added.extend(self.add(label, edge, action, to));
                }
            }
        }
        added
    }

    /// Spreads labels over all known edges, and tells each (state, action) that some label admits for the first time, with
    /// that label.
    pub(super) fn spread(
        &mut self,
        graph: &Graph,
        mut queue: VecDeque<LabelRef>,
        mut admit: impl FnMut(LabelRef, ActionId),
    ) {
        let actions = self.limits.counter.len();
        let mut leaving: Vec<Option<EdgeId>> = Vec::new();
        while let Some(label) = queue.pop_front() {
            leaving.clear();
            leaving.resize(actions, None);
            for (id, edge) in graph.leaving(label.state) {
                leaving[edge.action().index()] = Some(id);
            }
            for (action, edge) in (0..).map(ActionId).zip(&leaving) {
                if !self.admits(label, action) {
                    continue;
                }
                if self.admitted.insert(Pair {
                    state: label.state,
                    action,
                }) {
                    admit(label, action);
                }
                if let Some(edge) = *edge
                    && let Some(to) = graph.edge(edge).onward()
                {
                    queue.extend(self.add(label, edge, action, to));
                }
            }
        }
    }

    /// Whether some way to a pair's state admits its action.
    pub(super) fn has_admitted(&self, pair: Pair) -> bool {
        self.admitted.contains(pair)
    }

    /// Whether performing a pair that leads to a state would make something possible there that was not.
    pub(super) fn leads_further(&self, pair: Pair, to: StateId) -> bool {
        self.labels_of(pair.state).any(|label| {
            self.admits(label, pair.action)
                && self.depth(label) + 1 < self.limits.max_depth
                && !self.is_dominated(label, pair.action, to)
        })
    }

    /// The actions on the way of a label.
    pub(super) fn path(&self, graph: &Graph, label: LabelRef) -> Vec<ActionId> {
        let mut path: Vec<_> = self
            .steps(label)
            .map(|(_, edge)| graph.edge(edge).action())
            .collect();
        path.reverse();
        path
    }

    /// The way of a label backwards: the labels before each step, and the steps.
    pub(super) fn steps(&self, label: LabelRef) -> impl Iterator<Item = (LabelRef, EdgeId)> {
        std::iter::successors(self.label(label).from, |(before, _)| {
            self.label(*before).from
        })
    }

    /// The action that a label's way ends with.
    pub(super) fn last_action(&self, graph: &Graph, label: LabelRef) -> Option<ActionId> {
        self.label(label)
            .from
            .map(|(_, edge)| graph.edge(edge).action())
    }

    pub(super) fn depth(&self, label: LabelRef) -> u32 {
        self.label(label).depth
    }

    /// The shortest way to a state that some path within the limits reaches.
    pub(super) fn shortest(&self, state: StateId) -> Option<LabelRef> {
        self.shortest_where(state, |_| true)
    }

    /// The shortest way to a state on which an action may still be tried there.
    pub(super) fn shortest_admitting(&self, state: StateId, action: ActionId) -> Option<LabelRef> {
        self.shortest_where(state, |label| self.admits(label, action))
    }

    fn shortest_where(&self, state: StateId, fits: impl Fn(LabelRef) -> bool) -> Option<LabelRef> {
        self.labels_of(state)
            .filter(|label| fits(*label))
            .min_by_key(|label| self.depth(*label))
    }

    fn labels_of(&self, state: StateId) -> impl Iterator<Item = LabelRef> + use<> {
        let count = self.labels.get(state.index()).map_or(0, Vec::len) as u32;
        (0..count).map(move |index| LabelRef { state, index })
    }

    fn label(&self, label: LabelRef) -> &Label {
        &self.labels[label.state.index()][label.index as usize]
    }

    fn admits(&self, label: LabelRef, action: ActionId) -> bool {
        let label = self.label(label);
        label.depth < self.limits.max_depth
            && self.limits.counter[action.index()]
                .is_none_or(|counter| label.calls[counter] < self.limits.most[counter])
    }

    /// Whether a known way to a state is as good as the one that goes on from a label with an action.
    fn is_dominated(&self, before: LabelRef, action: ActionId, to: StateId) -> bool {
        let parent = self.label(before);
        let counter = self.limits.counter[action.index()];
        let as_good = |label: &Label| {
            label.depth <= parent.depth + 1
                && label
                    .calls
                    .iter()
                    .zip(&parent.calls)
                    .enumerate()
                    .all(|(i, (own, before))| *own <= before + u32::from(counter == Some(i)))
        };
        self.labels
            .get(to.index())
            .is_some_and(|known| known.iter().any(as_good))
    }

    /// Adds the way that goes on from a label over an edge, unless a known way to the same state is as good.
    fn add(
        &mut self,
        before: LabelRef,
        edge: EdgeId,
        action: ActionId,
        to: StateId,
    ) -> Option<LabelRef> {
        if self.is_dominated(before, action, to) {
            return None;
        }
        if self.labels.len() <= to.index() {
            self.labels.resize(to.index() + 1, Vec::new());
        }
        let parent = self.label(before);
        let (depth, mut calls) = (parent.depth + 1, parent.calls.clone());
        if let Some(counter) = self.limits.counter[action.index()] {
            calls[counter] += 1;
        }
        let labels = &mut self.labels[to.index()];
        labels.push(Label {
            depth,
            calls,
            from: Some((before, edge)),
        });
        Some(LabelRef {
            state: to,
            index: labels.len() as u32 - 1,
        })
    }
}
