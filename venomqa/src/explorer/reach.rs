use super::explorer::Explorer;
use super::graph::{EdgeId, End};
use super::ids::StateId;
use super::sighting::Place;
use super::subject::{Performed, Subject};
use crate::Result;

/// How an attempt to reach a state ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reached {
    There,
    /// The way that once led there leads somewhere else now.
    Diverged,
}

impl<S: Subject> Explorer<'_, S> {
    /// Brings the subject to a state: back to the deepest state on its shortest path that can be restored, and from there by
    /// performing the remaining actions again.
    ///
    /// This one way serves systems that jump anywhere (nothing is performed again), savepoints (the stack above a branch is gone), worlds
    /// that can only start over, and states that were let go of to save memory.
    pub(super) async fn reach(&mut self, target: StateId) -> Result<Reached> {
        if self.here == Some(target) && !self.can_restore(target) {
            return Ok(Reached::There);
        }
        let Some(label) = self.paths.shortest(target) else {
            return Ok(Reached::Diverged);
        };
        let mut again = Vec::new();
        let mut start = target;
        for (before, edge) in self.paths.steps(label) {
            if self.can_restore(start) {
                break;
            }
            again.push(edge);
            start = before.state;
        }
        self.here = None;
        if let Some(mark) = self.graph.at(start).mark {
            self.unsettled = false;
            self.subject.restore(mark).await?;
        }
        while let Some(id) = again.pop() {
            let edge = *self.graph.edge(id);
            if let Some(difference) = self.perform_again(id).await? {
                let mut path = self.paths.path(&self.graph, label);
                path.truncate(path.len() - again.len());
                self.divergences.push((path, difference));
                self.graph.at_mut(target).diverged = true;
                if let End::At(state) = edge.end {
                    self.graph.at_mut(state).diverged = true;
                }
                return Ok(Reached::Diverged);
            }
            // What is waited for again soon is worth saving, also on the way: on a stack only what is saved in passing can be returned to.
            if let End::At(state) = edge.end
                && self.graph.at(state).pending > 1
                && !self.can_restore(state)
            {
                self.release(state);
                self.save(state).await?;
            }
        }
        self.here = Some(target);
        Ok(Reached::There)
    }

    /// Performs a known action again. Returns what is different this time, if anything is.
    pub(super) async fn perform_again(&mut self, id: EdgeId) -> Result<Option<String>> {
        let edge = *self.graph.edge(id);
        let End::At(state) = edge.end else {
            return Ok(Some("it led nowhere before".into()));
        };
        Ok(match self.subject.perform(edge.action()).await? {
            Performed::Declined { .. } => Some("it does not apply any more".into()),
            Performed::Crashed {
                broken: (rule, message),
            } => {
                self.sight(Place::Edge(id), rule, message.clone());
                Some(message)
            }
            Performed::Arrived {
                fingerprint,
                status,
                broken,
                ..
            } => {
                for (rule, message) in broken {
                    if !self.sightings.has(Place::Edge(id), rule) {
                        self.sight(Place::Edge(id), rule, message);
                    }
                }
                let shown = |status: Option<u16>| {
                    status.map_or("nothing".into(), |status| status.to_string())
                };
                if status != edge.status {
                    Some(format!(
                        "it answered {} before and {} now",
                        shown(edge.status),
                        shown(status)
                    ))
                } else {
                    let arrived = self.identity(edge.pair, fingerprint);
                    (arrived != self.graph.at(state).fingerprint)
                        .then(|| "it leads to another state now".into())
                }
            }
        })
    }

    pub(super) fn can_restore(&self, state: StateId) -> bool {
        self.graph
            .at(state)
            .mark
            .is_some_and(|mark| self.subject.can_restore(mark))
    }
}
