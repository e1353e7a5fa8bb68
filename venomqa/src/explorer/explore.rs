use std::time::Duration;

use super::event::Event;
use super::exploration::{Ended, Exploration};
use super::explorer::Explorer;
use super::recheck::volatile;
use super::strategy::Strategy;
use super::subject::Subject;
use crate::{Config, Result};

/// Explores a subject: the one way in which an [`Exploration`] comes about.
///
/// # Errors
///
/// The subject could not begin. All that goes wrong later is part of the result.
pub(crate) async fn explore<S: Subject>(
    subject: &mut S,
    config: &Config,
    strategy: &mut dyn Strategy,
    observer: &mut (dyn FnMut(&Event<'_>) + Send),
) -> Result<Exploration> {
    let mut explorer = Explorer::new(subject, config, strategy, observer);
    let mut ended = explorer.run().await?;
    let mut notes = explorer.notes();

    // Before the violations are confirmed, because it may find that the server dies.
    if !matches!(ended, Ended::Error { .. }) {
        let settled = explorer.settle_last().await;
        explorer.notice_death(LAST_MOMENT).await;
        let rechecked = match settled {
            Ok(()) => explorer.recheck().await,
            Err(error) => Err(error),
        };
        if let Err(error) = rechecked {
            ended = explorer.failed(&error, Vec::new());
        }
    }
    let diverged = explorer.explained().await;
    let violations = explorer.violations().await;
    if !matches!(ended, Ended::Error { .. }) {
        match explorer.note_on_merging().await {
            Ok(note) => notes.extend(note),
            Err(error) => notes.push(format!(
                "the sequences could not be executed again: {}",
                explorer.subject.tell(&error)
            )),
        }
    }
    notes.extend(explorer.subject.notes());
    (explorer.observer)(&Event::Ended { ended: &ended });

    Ok(Exploration {
        config: config.clone(),
        states_visited: explorer.graph.len() as u64,
        transitions: explorer.ledger.transitions,
        depth: explorer.depth(),
        violations,
        action_pairs: explorer.ledger.action_pairs(),
        pairs_left: explorer.pairs_left(),
        systems: explorer.subject.systems(),
        elapsed: explorer.subject.elapsed(),
        actions: explorer.ledger.actions,
        rules: explorer.ledger.rules,
        ended,
        diverged,
        doubts: explorer.subject.doubts(),
        notes,
    })
}

/// How long a server is watched after the very last action.
const LAST_MOMENT: Duration = Duration::from_millis(50);

/// The number of states from which it is odd that no two sequences ever led to the same.
const ODD_WITHOUT_MERGE: usize = 16;

impl<S: Subject> Explorer<'_, S> {
    fn depth(&self) -> u32 {
        let ways = self
            .graph
            .ids()
            .filter_map(|state| self.paths.shortest(state));
        ways.map(|label| self.paths.depth(label)).max().unwrap_or(0)
    }

    fn notes(&self) -> Vec<String> {
        let mut notes = Vec::new();
        if !self.subject.identifies() {
            notes.push(
                "no system of this world sees what the API stores, so every path leads to a state of its own; \
                 `World::observe` can say when two are the same"
                    .into(),
            );
        }
        let at_the_limit = self
            .graph
            .ids()
            .filter_map(|state| self.paths.shortest(state));
        let at_the_limit = at_the_limit
            .filter(|label| self.paths.depth(*label) >= self.config.max_depth)
            .count();
        if at_the_limit > 0 {
            notes.push(format!(
                "{at_the_limit} {} at the depth limit of {} and {} not expanded",
                if at_the_limit == 1 {
                    "state lies"
                } else {
                    "states lie"
                },
                self.config.max_depth,
                if at_the_limit == 1 { "was" } else { "were" },
            ));
        }
        notes
    }

    async fn note_on_merging(&mut self) -> Result<Option<String>> {
        if !self.subject.identifies() || self.merges > 0 || self.graph.len() < ODD_WITHOUT_MERGE {
            return Ok(None);
        }
        let places = self.volatile_places().await?;
        let why = match places.as_slice() {
            [] => "that may be right".into(),
            places => volatile(places),
        };
        Ok(Some(format!(
            "no two sequences ever led to the same state: {why}"
        )))
    }
}
