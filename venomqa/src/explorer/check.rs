use std::time::Duration;

use super::explorer::Explorer;
use super::ids::RuleId;
use super::sighting::Place;
use super::subject::{Next, Settled, Subject};
use crate::{Checked, Result, When};

/// What is looked at besides an action: the rules, and whether the server still lives.
impl<S: Subject> Explorer<'_, S> {
    /// Checks the user's rules that are due at a place, and notes those that are broken. Returns whether any is.
    pub(super) async fn check(&mut self, place: Place) -> Result<bool> {
        let (mut looked, mut any) = (false, false);
        let mut unchecked = Vec::new();
        for rule in (0..self.rules.len() as u32).map(RuleId) {
            let info = &self.rules[rule.index()];
            let due = match place {
                Place::Initial => !info.takes_step,
                Place::Before(_) => info.when != When::After && !info.takes_step,
                Place::Edge(_) => info.when != When::Before,
            };
            if info.built_in || !due {
                continue;
            }
            looked = true;
            match self.subject.check(rule).await {
                checked @ Checked::NotChecked(_) => unchecked.push((rule, checked)),
                checked => {
                    if let Some(message) = self.ledger.checked(rule, checked) {
                        any = true;
                        self.sight(place, rule, message);
                    }
                }
            }
        }
        if looked {
            // From a state that can be restored nothing goes on without that.
            let next = match (place, self.here) {
                (Place::Edge(_), Some(here)) if self.can_restore(here) => Next::Restore,
                _ => Next::Anything,
            };
            match self.subject.settle(next).await? {
                Settled::Untouched => {}
                Settled::Changed => self.here = None,
                Settled::Left => {
                    self.here = None;
                    self.unsettled = true;
                }
                Settled::Crashed {
                    broken: (rule, message),
                } => {
                    self.here = None;
                    any = true;
                    self.sight(place, rule, message);
                    // That there was nobody to ask is told by the crash.
                    unchecked.clear();
                }
            }
        }
        for (rule, checked) in unchecked {
            self.ledger.checked(rule, checked);
        }
        Ok(any)
    }

    /// Notes a server that died after all was well with the last action: going back would restart it without a word.
    pub(super) async fn notice_death(&mut self, moment: Duration) {
        if let Some(edge) = self.last_edge
            && let Some((rule, message)) = self.subject.died(moment).await
        {
            self.sight(Place::Edge(edge), rule, message);
        }
    }

    /// Finds out what the last rules changed, if that was left to a restore that did not come.
    pub(super) async fn settle_last(&mut self) -> Result<()> {
        if std::mem::take(&mut self.unsettled)
            && let Settled::Crashed {
                broken: (rule, message),
            } = self.subject.settle(Next::Anything).await?
            && let Some(edge) = self.last_edge
        {
            self.sight(Place::Edge(edge), rule, message);
        }
        Ok(())
    }
}
