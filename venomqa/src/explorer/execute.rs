use std::time::Duration;

use super::explorer::Explorer;
use super::ids::{ActionId, RuleId, StateId};
use super::subject::{Next, Performed, Settled, Subject};
use crate::{Checked, Error, Result, Step};

/// How long a server is watched after the last action of a sequence that once brought it down.
const LAST_MOMENT: Duration = Duration::from_millis(500);

/// Where a sequence is executed from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Start {
    /// The root, by rollback.
    Root,
    /// The cleanest start there is.
    Clean,
}

/// What came of executing a sequence while watching one rule.
#[derive(Debug, Default)]
pub(super) struct Execution {
    pub(super) steps: Vec<Step>,
    /// The number of actions after which the rule was broken, and why.
    pub(super) broken: Option<(usize, String)>,
    /// The sequence could not be executed further than this many actions.
    pub(super) stopped: Option<usize>,
}

/// What came of watching a rule at one place.
#[derive(Debug, Default)]
struct Watched {
    broken: Option<String>,
    /// Whether a rule has changed something, which has to be undone before the next step.
    changed: bool,
}

impl<S: Subject> Explorer<'_, S> {
    /// Executes a sequence and watches one rule, until the rule is broken or the sequence ends.
    pub(super) async fn execute(
        &mut self,
        start: Start,
        sequence: &[ActionId],
        rule: RuleId,
    ) -> Result<Execution> {
        self.go_to(start).await?;
        let mut execution = Execution::default();
        let mut watched = Watched::default();
        if !self.rules[rule.index()].takes_step {
            watched = self.watch(rule, None).await?;
            execution.broken = watched.broken.take().map(|message| (0, message));
        }
        for (done, action) in (1..).zip(sequence) {
            if execution.broken.is_some() || execution.stopped.is_some() {
                break;
            }
            if watched.changed {
                self.go_to(start).await?;
                for earlier in &sequence[..done - 1] {
                    self.subject.perform(*earlier).await?;
                }
            }
            let performed = self.subject.perform(*action).await?;
            execution.steps.push(self.subject.last_step());
            if !matches!(performed, Performed::Arrived { .. }) {
                execution.stopped = Some(done - 1);
            }
            watched = self.watch(rule, Some(performed)).await?;
            execution.broken = watched.broken.take().map(|message| (done, message));
        }
        // A server may die a moment after its last answer. Only a confirmation waits for that.
        if start == Start::Clean
            && execution.broken.is_none()
            && self.rules[rule.index()].built_in
            && let Some((_, message)) = self
                .subject
                .died(LAST_MOMENT)
                .await
                .filter(|(own, _)| *own == rule)
        {
            execution.broken = Some((execution.steps.len(), message));
        }
        Ok(execution)
    }

    pub(super) async fn go_to(&mut self, start: Start) -> Result<()> {
        self.here = None;
        self.unsettled = false;
        match start {
            Start::Clean => self.subject.start_clean().await.map(drop),
            Start::Root => {
                let mark = self.graph.at(StateId::ROOT).mark;
                self.subject
                    .restore(mark.ok_or_else(|| Error::set_up("nothing was begun"))?)
                    .await
            }
        }
    }

    /// Whether the rule is broken now.
    async fn watch(&mut self, rule: RuleId, performed: Option<Performed>) -> Result<Watched> {
        let told = |broken: Option<(RuleId, String)>| Watched {
            broken: broken.filter(|(own, _)| *own == rule).map(|(_, why)| why),
            changed: false,
        };
        let broken = match performed {
            Some(Performed::Arrived { broken, .. }) => broken,
            Some(Performed::Crashed { broken }) => return Ok(told(Some(broken))),
            Some(Performed::Declined { broken }) => return Ok(told(broken)),
            None => Vec::new(),
        };
        let mut watched = told(broken.into_iter().find(|(own, _)| *own == rule));
        if watched.broken.is_some() {
            return Ok(watched);
        }
        let info = &self.rules[rule.index()];
        let (built_in, by_rules) = (info.built_in, info.broken_by_rules);
        let all = (0..self.rules.len() as u32).map(RuleId);
        let asked: Vec<_> = match (built_in, by_rules) {
            (true, true) => all
                .filter(|other| !self.rules[other.index()].built_in)
                .collect(),
            (true, false) => return Ok(watched),
            (false, _) => vec![rule],
        };
        for other in asked {
            if let Checked::Broken(message) = self.subject.check(other).await
                && other == rule
            {
                watched.broken = Some(message);
            }
        }
        match self.subject.settle(Next::Anything).await? {
            Settled::Untouched => {}
            Settled::Changed | Settled::Left => watched.changed = true,
            Settled::Crashed {
                broken: (own, message),
            } => {
                if own == rule {
                    watched.broken = Some(message);
                }
            }
        }
        Ok(watched)
    }
}
