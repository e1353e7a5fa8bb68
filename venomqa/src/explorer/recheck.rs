use std::collections::BTreeSet;

use super::Divergence;
use super::execute::Start;
use super::explorer::Explorer;
use super::graph::{EdgeId, End};
use super::ids::{ActionId, StateId};
use super::paths::{LabelRef, Paths};
use super::subject::{Footprint, Performed, Subject};
use crate::Result;

/// How many states are reached again from a clean start.
const SAMPLE: usize = 8;

/// How many of the states that diverged are looked into, each by two executions.
const EXPLAINED: usize = 3;

/// What to do where an API keeps state in its memory.
pub(super) const AGAINST_HIDDEN_STATE: &str = "if VenomQA spawns the server, `.stateful()` restarts it for every branch, otherwise give \
                                               the world a `reset`";

/// Says that these places get another value each time, and what to write to leave them out.
pub(super) fn volatile(places: &[String]) -> String {
    let ignores: Vec<_> = places
        .iter()
        .map(|place| format!(".ignore(\"{place}\")"))
        .collect();
    let (gets, it) = match places.len() {
        1 => ("gets", "it"),
        _ => ("get", "them"),
    };
    let points_at_rows = places.iter().any(|place| place.starts_with("context."));
    format!(
        "{} {gets} another value each time: leave {it} out with `{}`{}",
        places.join(", "),
        ignores.join(""),
        if points_at_rows {
            ", but keep something in the context that tells which of several rows it points to (`docs::identity`)"
        } else {
            ""
        }
    )
}

impl<S: Subject> Explorer<'_, S> {
    /// Reaches a sample of the states again from a clean start. What differs is noted.
    pub(super) async fn recheck(&mut self) -> Result<()> {
        let paths = self.paths.canonical(&self.graph);
        for (turn, label) in self.sample(&paths).into_iter().enumerate() {
            self.recheck_one(&paths, label, turn).await?;
        }
        Ok(())
    }

    /// What was noted as different, with what can be done about it.
    pub(super) async fn explained(&mut self) -> Vec<Divergence> {
        let mut seen = BTreeSet::new();
        let mut found = Vec::new();
        for (path, what) in std::mem::take(&mut self.divergences) {
            if !seen.insert(path.clone()) {
                continue;
            }
            let remedy = match found.len() {
                explained if explained < EXPLAINED => self.remedy(&path).await,
                _ => Ok("see the first ones".into()),
            };
            let remedy = remedy.unwrap_or_else(|error| {
                format!(
                    "it could not be executed again: {}",
                    self.subject.tell(&error)
                )
            });
            found.push(Divergence {
                sequence: self.labels(&path),
                what,
                remedy,
            });
        }
        found
    }

    /// What takes another value each time that the longest path is executed, such as a time or a random id.
    pub(super) async fn volatile_places(&mut self) -> Result<Vec<String>> {
        let paths = self.paths.canonical(&self.graph);
        let deepest = self
            .graph
            .ids()
            .filter_map(|state| paths.shortest(state))
            .max_by_key(|label| paths.depth(*label));
        match deepest {
            Some(label) => self.differing_places(&paths.path(&self.graph, label)).await,
            None => Ok(Vec::new()),
        }
    }

    /// States at the ends of shortest paths, spread over the whole graph: each path checks all the states that it passes.
    fn sample(&self, paths: &Paths) -> Vec<LabelRef> {
        let labels: Vec<_> = self
            .graph
            .ids()
            .filter_map(|state| paths.shortest(state))
            .collect();
        let passed: BTreeSet<StateId> = labels
            .iter()
            .filter_map(|label| paths.steps(*label).next())
            .map(|(before, _)| before.state)
            .collect();
        let ends: Vec<_> = labels
            .into_iter()
            .filter(|label| !passed.contains(&label.state) && label.state != StateId::ROOT)
            .collect();
        let mut ends: Vec<_> = ends
            .into_iter()
            .map(|label| (paths.path(&self.graph, label), label))
            .collect();
        ends.sort_unstable_by(|a, b| a.0.cmp(&b.0));
        let stride = ends.len().div_ceil(SAMPLE).max(1);
        // From the far end: what is found last has had most chances to go wrong.
        ends.into_iter()
            .rev()
            .step_by(stride)
            .map(|(_, label)| label)
            .collect()
    }

    /// Reaches a state again, and there performs again what led nowhere else, and one of the actions that did.
    ///
    /// Hidden state often shows only there: a request that is refused, because the process remembers what was rolled back, leads back to
    /// the state in which it was sent.
    async fn recheck_one(&mut self, paths: &Paths, label: LabelRef, turn: usize) -> Result<()> {
        let mut way: Vec<_> = paths.steps(label).map(|(_, edge)| edge).collect();
        way.reverse();
        if let Some(found) = self.retrace(&way).await? {
            self.divergences.push(found);
            return Ok(());
        }
        let (mut beyond, onward) = self.leaving(label.state);
        beyond.extend(onward.get(turn % onward.len().max(1)));
        let mut longer = way.clone();
        for edge in beyond {
            longer.push(edge);
            if let Some(difference) = self.perform_again(edge).await? {
                // The detours before it are left out, unless they are what makes the difference.
                way.push(edge);
                let alone = self.retrace(&way).await?;
                let found = alone.unwrap_or_else(|| (self.actions_of(&longer), difference));
                self.divergences.push(found);
                break;
            }
        }
        Ok(())
    }

    /// Executes known steps from a clean start. Returns the actions up to the first that went differently, and how.
    async fn retrace(&mut self, way: &[EdgeId]) -> Result<Option<(Vec<ActionId>, String)>> {
        self.go_to(Start::Clean).await?;
        for (done, edge) in (1..).zip(way) {
            if let Some(difference) = self.perform_again(*edge).await? {
                return Ok(Some((self.actions_of(&way[..done]), difference)));
            }
        }
        Ok(None)
    }

    /// The known steps that lead from a state back to itself, and those that lead elsewhere, in the order of registration.
    fn leaving(&self, state: StateId) -> (Vec<EdgeId>, Vec<EdgeId>) {
        let mut leaving: Vec<_> = self.graph.leaving(state).collect();
        leaving.sort_unstable_by_key(|(_, edge)| edge.action());
        let to_states = leaving.into_iter().filter_map(|(id, edge)| match edge.end {
            End::At(to) => Some((id, to)),
            End::Declined | End::Dead => None,
        });
        let (back, onward): (Vec<_>, Vec<_>) = to_states.partition(|(_, to)| *to == state);
        let ids = |edges: Vec<(EdgeId, StateId)>| edges.into_iter().map(|(id, _)| id).collect();
        (ids(back), ids(onward))
    }

    fn actions_of(&self, way: &[EdgeId]) -> Vec<ActionId> {
        way.iter()
            .map(|edge| self.graph.edge(*edge).action())
            .collect()
    }

    async fn remedy(&mut self, path: &[ActionId]) -> Result<String> {
        let places = self.differing_places(path).await?;
        Ok(match places.as_slice() {
            [] => format!(
                "the same twice from a clean start, so the API keeps state that rollback does not reach ({AGAINST_HIDDEN_STATE}), or \
                 works on after it has answered (`quiet_when`)"
            ),
            places => volatile(places),
        })
    }

    /// The places that get another value in each of two executions of one path.
    async fn differing_places(&mut self, path: &[ActionId]) -> Result<Vec<String>> {
        let first = self.footprints(path).await?;
        let second = self.footprints(path).await?;
        let mut places = BTreeSet::new();
        for (one, other) in first.iter().zip(&second) {
            let of_both = one.keys().chain(other.keys());
            places.extend(
                of_both
                    .filter(|place| one.get(*place) != other.get(*place))
                    .cloned(),
            );
        }
        Ok(places.into_iter().collect())
    }

    async fn footprints(&mut self, path: &[ActionId]) -> Result<Vec<Footprint>> {
        self.go_to(Start::Clean).await?;
        let mut prints = Vec::new();
        for action in path {
            let performed = self.subject.perform(*action).await?;
            prints.push(self.subject.footprint());
            if !matches!(performed, Performed::Arrived { .. }) {
                break;
            }
        }
        Ok(prints)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(places: &[&str], told: &str) {
        let places: Vec<_> = places.iter().map(|place| (*place).into()).collect();
        assert_eq!(volatile(&places), told);
    }

    #[test]
    fn what_differs_is_told_as_an_expression_to_copy() {
        check(
            &["orders.at"],
            "orders.at gets another value each time: leave it out with `.ignore(\"orders.at\")`",
        );
        check(
            &["context.id", "orders.id"],
            "context.id, orders.id get another value each time: leave them out with \
             `.ignore(\"context.id\").ignore(\"orders.id\")`, but keep something in the context that tells which of several \
             rows it points to (`docs::identity`)",
        );
    }
}
