use std::collections::BTreeMap;
use std::time::Duration;

use super::execute::Start;
use super::explorer::Explorer;
use super::graph::End;
use super::ids::{ActionId, RuleId, StateId};
use super::paths::{LabelRef, Paths};
use super::recheck::AGAINST_HIDDEN_STATE;
use super::sighting::{Names, Place};
use super::subject::Subject;
use super::{Confirmation, Event, Violation};
use crate::{Result, Step};

/// The most time for confirming what was found. What is left then is reported as unconfirmed.
const CONFIRMATION_LIMIT: Duration = Duration::from_secs(120);

/// Sightings that are one bug: a rule, and a sequence of action names that is not contained in another's.
#[derive(Debug)]
struct Finding {
    rule: RuleId,
    /// The shortest way to it in the graph.
    as_found: Vec<ActionId>,
    /// The same, minimised.
    sequence: Vec<ActionId>,
    names: Names,
    occurrences: u64,
}

impl<S: Subject> Explorer<'_, S> {
    /// Turns everything that was seen broken into distinct violations: minimised, and seen again from a clean start.
    ///
    /// The sequences are the shortest in the explored graph, so that they do not depend on the order in which it was
    /// explored.
    pub(super) async fn violations(&mut self) -> Vec<Violation> {
        let candidates = self.candidates();
        let distinct = candidates.len();
        if distinct > 0 {
            (self.observer)(&Event::Confirming {
                violations: distinct,
            });
        }
        let deadline = self.subject.elapsed() + CONFIRMATION_LIMIT;
        let mut findings: Vec<Finding> = Vec::new();
        for mut candidate in candidates {
            if self.subject.elapsed() < deadline {
                // If it cannot be minimised now, it is reported as it was found.
                if let Ok(Some(shorter)) = self.minimise(candidate.rule, &candidate.sequence).await
                {
                    candidate.names = self.sightings.names(&shorter);
                    candidate.sequence = shorter;
                }
            }
            match findings
                .iter_mut()
                .find(|known| known.rule == candidate.rule && candidate.names.contain(&known.names))
            {
                Some(known) => known.occurrences += candidate.occurrences,
                None => findings.push(candidate),
            }
        }
        findings.sort_by_key(|finding| finding.sequence.len());
        let mut violations = Vec::new();
        for finding in findings {
            let late = self.subject.elapsed() >= deadline;
            let new = self.confirm(finding, late).await;
            // What was not confirmed is told as it was found, and several may have been found together.
            match violations.iter_mut().find(|known: &&mut Violation| {
                known.rule == new.rule && known.labels() == new.labels()
            }) {
                Some(known) => known.occurrences += new.occurrences,
                None => violations.push(new),
            }
        }
        violations
    }

    /// One finding for each rule and each sequence of names that contains no other, shortest first.
    fn candidates(&self) -> Vec<Finding> {
        let paths = self.paths.canonical(&self.graph);
        let mut by_length: BTreeMap<usize, Vec<(RuleId, Place, Option<LabelRef>)>> =
            BTreeMap::new();
        for sighting in self.sightings.all() {
            let (label, more) = self.way_to(&paths, sighting.place);
            let length =
                label.map_or(0, |label| paths.depth(label) as usize) + usize::from(more.is_some());
            by_length
                .entry(length)
                .or_default()
                .push((sighting.rule, sighting.place, label));
        }
        let mut findings: Vec<Finding> = Vec::new();
        for (_, of_one_length) in by_length {
            let mut new: Vec<(RuleId, Vec<ActionId>, Names)> = Vec::new();
            for (rule, place, label) in of_one_length {
                let mut sequence =
                    label.map_or_else(Vec::new, |label| paths.path(&self.graph, label));
                sequence.extend(self.way_to(&paths, place).1);
                let names = self.sightings.names(&sequence);
                match findings
                    .iter_mut()
                    .find(|known| known.rule == rule && names.contain(&known.names))
                {
                    Some(known) => known.occurrences += 1,
                    None => new.push((rule, sequence, names)),
                }
            }
            new.sort_unstable_by(|a, b| (a.0, &a.1).cmp(&(b.0, &b.1)));
            for (rule, sequence, names) in new {
                match findings
                    .iter_mut()
                    .find(|known| known.rule == rule && known.names == names)
                {
                    Some(known) => known.occurrences += 1,
                    None => findings.push(Finding {
                        rule,
                        as_found: sequence.clone(),
                        sequence,
                        names,
                        occurrences: 1,
                    }),
                }
            }
        }
        findings
    }

    /// The shortest way to a place: to a state, and maybe one action more.
    fn way_to(&self, paths: &Paths, place: Place) -> (Option<LabelRef>, Option<ActionId>) {
        match place {
            Place::Initial => (Some(LabelRef::ROOT), None),
            Place::Before(pair) => (paths.shortest_admitting(pair.state, pair.action), None),
            Place::Edge(edge) => {
                let pair = self.graph.edge(edge).pair;
                (
                    paths.shortest_admitting(pair.state, pair.action),
                    Some(pair.action),
                )
            }
        }
    }

    /// A sequence from which no single step can be left out and which still breaks the rule, or `None` if the given one
    /// does not break it by rollback.
    ///
    /// The greedy form of delta debugging (Zeller and Hildebrandt, "Simplifying and isolating failure-inducing input",
    /// 2002): sequences are short, so single steps are tried one after the other until none can go.
    async fn minimise(
        &mut self,
        rule: RuleId,
        sequence: &[ActionId],
    ) -> Result<Option<Vec<ActionId>>> {
        let whole = self.execute(Start::Root, sequence, rule).await?;
        let Some((length, _)) = whole.broken else {
            return Ok(None);
        };
        let mut shortest = sequence[..length].to_vec();
        let mut skip = 0;
        while skip < shortest.len() {
            let mut candidate = shortest.clone();
            candidate.remove(skip);
            match self.execute(Start::Root, &candidate, rule).await?.broken {
                Some((length, _)) => {
                    candidate.truncate(length);
                    shortest = candidate;
                    skip = 0;
                }
                None => skip += 1,
            }
        }
        Ok(Some(shortest))
    }

    /// Executes a finding from a clean start. If it does not break the rule again, the sequence on which it was first found gets
    /// a try, and failing that it is reported as it was found, unconfirmed.
    async fn confirm(&mut self, finding: Finding, late: bool) -> Violation {
        let told = self.sightings.told(finding.rule);
        let told = told
            .iter()
            .find(|told| told.sequence == finding.as_found)
            .or_else(|| told.iter().find(|told| told.names.contain(&finding.names)));
        let message = told.map(|told| told.message.clone());
        let message = message.unwrap_or_else(|| "what the rule said was not kept".into());
        let mut doubt = String::from("there was no time left to execute it again");
        let mut tries = vec![finding.sequence.clone(), finding.as_found.clone()];
        tries.extend(told.map(|told| told.sequence.clone()));
        tries.dedup();
        for sequence in tries {
            if late {
                break;
            }
            match self.execute(Start::Clean, &sequence, finding.rule).await {
                Ok(execution) => {
                    if let Some((_, message)) = execution.broken {
                        return self.violation(
                            &finding,
                            message,
                            execution.steps,
                            Confirmation::Confirmed,
                        );
                    }
                    let instead = match execution.stopped {
                        Some(done) => format!("step {} went differently", done + 1),
                        None => "the rule held".into(),
                    };
                    doubt = format!(
                        "executed again from a clean start, {instead}: the API may keep state that is not rolled back, such as a \
                         cache; {AGAINST_HIDDEN_STATE}"
                    );
                }
                Err(error) => {
                    let why = self.subject.tell(&error);
                    doubt = format!("it could not be executed again: {why}");
                }
            }
        }
        let steps = self.remembered(&finding.as_found);
        self.violation(&finding, message, steps, Confirmation::Unconfirmed(doubt))
    }

    fn violation(
        &self,
        finding: &Finding,
        message: String,
        sequence: Vec<Step>,
        confirmation: Confirmation,
    ) -> Violation {
        let rule = &self.rules[finding.rule.index()];
        Violation {
            rule: rule.name.clone(),
            about: rule.about.clone(),
            severity: rule.severity,
            built_in: rule.built_in,
            message,
            sequence,
            confirmation,
            occurrences: finding.occurrences,
            logs: self.subject.logs(),
        }
    }

    /// The steps of a sequence as they were recorded when it was found, as far as they were.
    fn remembered(&mut self, sequence: &[ActionId]) -> Vec<Step> {
        let mut at = Some(StateId::ROOT);
        let mut steps = Vec::new();
        for action in sequence {
            let edge = at.and_then(|state| {
                self.graph
                    .leaving(state)
                    .map(|(_, edge)| *edge)
                    .find(|edge| edge.action() == *action)
            });
            at = match edge.map(|edge| edge.end) {
                Some(End::At(state)) => Some(state),
                _ => None,
            };
            let recorded = edge
                .and_then(|edge| edge.record)
                .and_then(|record| self.subject.recall(record));
            let info = &self.actions[action.index()];
            steps.push(recorded.unwrap_or_else(|| Step {
                action: info.name.clone(),
                label: info.label.clone(),
                exchanges: Vec::new(),
                status: edge.and_then(|edge| edge.status),
                changes: Vec::new(),
                elapsed: Duration::ZERO,
            }));
        }
        steps
    }
}
