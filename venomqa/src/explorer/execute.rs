use super::explorer::Explorer;
use super::ids::{ActionId, RuleId, StateId};
use super::subject::{Performed, Settled, Subject};
use crate::{Checked, Error, Result, Step};

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
        if !self.rules[rule.index()].takes_step {
            execution.broken = self.watch(rule, None).await?.map(|message| (0, message));
        }
        for (done, action) in (1..).zip(sequence) {
            if execution.broken.is_some() || execution.stopped.is_some() {
                break;
            }
            let performed = self.subject.perform(*action).await?;
            execution.steps.push(self.subject.last_step());
            if !matches!(performed, Performed::Arrived { .. }) {
                execution.stopped = Some(done - 1);
            }
            execution.broken = self
                .watch(rule, Some(performed))
                .await?
                .map(|message| (done, message));
        }
        Ok(execution)
    }

    pub(super) async fn go_to(&mut self, start: Start) -> Result<()> {
        self.here = None;
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

    /// Whether the rule is broken now, and why.
    async fn watch(
        &mut self,
        rule: RuleId,
        performed: Option<Performed>,
    ) -> Result<Option<String>> {
        let broken = match performed {
            Some(Performed::Arrived { broken, .. }) => broken,
            Some(Performed::Crashed { broken }) => {
                return Ok(Some(broken)
                    .filter(|(own, _)| *own == rule)
                    .map(|(_, why)| why));
            }
            Some(Performed::Declined { broken }) => {
                return Ok(broken.filter(|(own, _)| *own == rule).map(|(_, why)| why));
            }
            None => Vec::new(),
        };
        if let Some((_, why)) = broken.into_iter().find(|(own, _)| *own == rule) {
            return Ok(Some(why));
        }
        // A built-in rule may be broken by what a rule of the user's does: then all of them are asked.
        let built_in = self.rules[rule.index()].built_in;
        let asked: Vec<_> = (0..self.rules.len() as u32)
            .map(RuleId)
            .filter(|other| {
                if built_in {
                    !self.rules[other.index()].built_in
                } else {
                    *other == rule
                }
            })
            .collect();
        let mut why = None;
        for other in asked {
            if let Checked::Broken(message) = self.subject.check(other).await
                && other == rule
            {
                why = Some(message);
            }
        }
        if let Settled::Crashed {
            broken: (own, message),
        } = self.subject.settle().await?
            && own == rule
        {
            why = Some(message);
        }
        Ok(why)
    }
}
