use std::collections::BTreeSet;

use super::Divergence;
use super::execute::Start;
use super::explorer::Explorer;
use super::ids::{ActionId, StateId};
use super::paths::{LabelRef, Paths};
use super::subject::{Footprint, Performed, Subject};
use crate::Result;

/// How many states are reached again from a clean start.
const SAMPLE: usize = 8;

/// How many of the states that diverged are looked into, each by two executions.
const EXPLAINED: usize = 3;

impl<S: Subject> Explorer<'_, S> {
    /// Reaches a sample of the states again from a clean start, and explains those that cannot be.
    pub(super) async fn recheck(&mut self) -> Result<Vec<Divergence>> {
        let paths = self.paths.canonical(&self.graph);
        for label in self.sample(&paths) {
            self.recheck_one(&paths, label).await?;
        }
        let mut seen = BTreeSet::new();
        let mut found = Vec::new();
        for (path, what) in std::mem::take(&mut self.divergences) {
            if !seen.insert(path.clone()) {
                continue;
            }
            let remedy = match found.len() {
                explained if explained < EXPLAINED => self.remedy(&path).await?,
                _ => "see the first ones".into(),
            };
            found.push(Divergence {
                sequence: self.labels(&path),
                what,
                remedy,
            });
        }
        Ok(found)
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

    async fn recheck_one(&mut self, paths: &Paths, label: LabelRef) -> Result<()> {
        self.go_to(Start::Clean).await?;
        let mut steps: Vec<_> = paths.steps(label).collect();
        steps.reverse();
        for (done, (_, edge)) in (1..).zip(steps) {
            let edge = *self.graph.edge(edge);
            if let Some(difference) = self.perform_again(&edge).await? {
                let path = paths.path(&self.graph, label)[..done].to_vec();
                self.divergences.push((path, difference));
                return Ok(());
            }
        }
        Ok(())
    }

    async fn remedy(&mut self, path: &[ActionId]) -> Result<String> {
        let places = self.differing_places(path).await?;
        Ok(match places.as_slice() {
            [] => "the same twice from a clean start, so the API keeps state that rollback does not reach: if VenomQA \
                   spawns the server, `.stateful()` restarts it for every branch, otherwise give the world a `reset`"
                .into(),
            places => {
                let ignores: Vec<_> = places.iter().map(|place| format!("`.ignore(\"{place}\")`")).collect();
                format!("{} differs each time: leave it out with {}", places.join(", "), ignores.join(""))
            }
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
