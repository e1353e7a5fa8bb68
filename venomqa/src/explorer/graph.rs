use std::collections::HashMap;
use std::collections::hash_map::Entry;

use super::ids::{ActionId, Fingerprint, Pair, StateId};
use super::subject::Mark;

/// The explored part of the state graph.
#[derive(Debug, Default)]
pub(super) struct Graph {
    states: Vec<State>,
    edges: Vec<Edge>,
    known: HashMap<Fingerprint, StateId>,
}

/// A node.
#[derive(Debug)]
pub(super) struct State {
    pub(super) fingerprint: Fingerprint,
    /// Where the subject can return to; none if it was never saved, or not needed any more.
    pub(super) mark: Option<Mark>,
    /// The pairs that were offered and not tried yet.
    pub(super) pending: u32,
    /// Whether it could not be reached again.
    pub(super) diverged: bool,
    last_edge: Option<EdgeId>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct EdgeId(u32);

/// What is known of one pair.
#[derive(Clone, Copy, Debug)]
pub(super) struct Edge {
    pub(super) pair: Pair,
    pub(super) end: End,
    pub(super) status: Option<u16>,
    /// Whether paths may go on from here: no rule is broken, or the user wants to see more.
    pub(super) continues: bool,
    /// Where the step was recorded.
    pub(super) record: Option<u32>,
    previous: Option<EdgeId>,
}

/// Where a pair leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// To a state.
    At(StateId),
    /// Nowhere: the action does not apply.
    Declined,
    /// Nowhere: a rule forbade it, or the server died.
    Dead,
}

impl Graph {
    /// The state with this fingerprint, and whether it is new.
    pub(super) fn state(&mut self, fingerprint: Fingerprint) -> (StateId, bool) {
        let next = StateId(u32::try_from(self.states.len()).expect("fewer than 2^32 states"));
        match self.known.entry(fingerprint) {
            Entry::Occupied(known) => (*known.get(), false),
            Entry::Vacant(vacant) => {
                vacant.insert(next);
                self.states.push(State {
                    fingerprint,
                    mark: None,
                    pending: 0,
                    diverged: false,
                    last_edge: None,
                });
                (next, true)
            }
        }
    }

    pub(super) fn connect(
        &mut self,
        pair: Pair,
        end: End,
        status: Option<u16>,
        record: Option<u32>,
    ) -> EdgeId {
        let id = EdgeId(u32::try_from(self.edges.len()).expect("fewer than 2^32 transitions"));
        let previous = self.states[pair.state.index()].last_edge.replace(id);
        self.edges.push(Edge {
            pair,
            end,
            status,
            continues: false,
            record,
            previous,
        });
        id
    }

    /// Lets paths go on over an edge.
    pub(super) fn let_through(&mut self, id: EdgeId) {
        self.edges[id.0 as usize].continues = true;
    }

    pub(super) fn edge(&self, id: EdgeId) -> &Edge {
        &self.edges[id.0 as usize]
    }

    /// The edges that leave a state.
    pub(super) fn leaving(&self, state: StateId) -> impl Iterator<Item = (EdgeId, &Edge)> {
        let mut at = self.states[state.index()].last_edge;
        std::iter::from_fn(move || {
            let id = at?;
            let edge = self.edge(id);
            at = edge.previous;
            Some((id, edge))
        })
    }

    pub(super) fn at(&self, state: StateId) -> &State {
        &self.states[state.index()]
    }

    pub(super) fn at_mut(&mut self, state: StateId) -> &mut State {
        &mut self.states[state.index()]
    }

    pub(super) fn len(&self) -> usize {
        self.states.len()
    }

    pub(super) fn ids(&self) -> impl Iterator<Item = StateId> + use<> {
        (0..self.states.len() as u32).map(StateId)
    }
}

impl Edge {
    /// The state that it leads to, if paths may go on there.
    pub(super) fn onward(&self) -> Option<StateId> {
        self.state().filter(|_| self.continues)
    }

    /// The state that it leads to.
    pub(super) fn state(&self) -> Option<StateId> {
        match self.end {
            End::At(state) => Some(state),
            _ => None,
        }
    }

    pub(super) fn action(&self) -> ActionId {
        self.pair.action
    }
}
