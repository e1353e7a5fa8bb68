use std::time::{Duration, Instant};

use super::act::{is_fatal, moment_after};
use super::built_in::BuiltIn;
use super::hooks::Fault;
use super::stage::Stage;
use super::suspects::{self, Alibi};
use crate::explorer::{Fingerprint, Next, RuleId, Settled};
use crate::{Checked, Error, Exchange, Parts, Result};

/// How the world is looked at after an action: by us, and by the user's rules.
impl Stage {
    /// Asks the systems what was changed, and the user's function what it observes.
    pub(super) async fn look(&mut self) -> Result<Fingerprint> {
        self.wait_until_quiet().await?;
        self.position.changes = self.world.systems.changes().await?;
        self.position.unseen = false;
        self.last.changes.clone_from(&self.position.changes);
        self.witness
            .note(&self.position.changes, &self.last.exchanges);
        let mut sum = self.position.sum;
        for (system, changes) in self.position.changes.iter().enumerate() {
            sum = sum.wrapping_add(self.identity.delta(system, changes));
        }
        sum = sum.wrapping_add(self.identity.context(&self.context, &self.cookies));
        let observe = self.world.hooks.observe.as_ref();
        if let Some(observed) = self.call_hook("observe", observe).await? {
            sum = sum.wrapping_add(self.identity.observed(&observed));
            self.last.observed = Some(observed);
        }
        Ok(Fingerprint(sum))
    }

    pub(super) async fn wait_until_quiet(&self) -> Result<()> {
        let Some((limit, quiet)) = &self.world.hooks.quiet else {
            return Ok(());
        };
        let deadline = Instant::now() + *limit;
        while self.call_hook("quiet_when", Some(quiet)).await? == Some(false) {
            if Instant::now() >= deadline {
                return Err(Error::set_up(format!(
                    "`quiet_when` did not say yes within {limit:?}"
                )));
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        Ok(())
    }

    /// Evaluates a rule of the user's.
    pub(super) async fn ask(&mut self, rule: RuleId) -> Checked {
        let rule_of_user = &self.rules[rule.index()];
        let parts = Parts::for_invariant(&self.world, &self.context, self.last.step.as_ref());
        let call = &rule_of_user.call;
        let mut checked = match self.world.guarded(async { call(parts).await }).await {
            Ok(checked) => checked,
            Err(fault @ Fault::Panicked(_)) => Checked::Broken(fault.to_string()),
            Err(fault @ Fault::Endless(_)) => Checked::NotChecked(fault.to_string()),
        };
        let sent = self.take_exchanges();
        if let Some(lost) = sent.iter().find(|exchange| exchange.is_lost()) {
            self.connection_lost = true;
            // Whatever the rule makes of it: without an answer it was not evaluated.
            let failure = format!("{lost}: {}", lost.failure().unwrap_or("no answer"));
            checked = Checked::NotChecked(match checked {
                Checked::Held => failure,
                Checked::NotChecked(message) => message,
                Checked::Broken(message) => format!("{message} ({failure})"),
            });
        }
        for ((_, api), cookies) in self.world.apis.iter().zip(&self.cookies) {
            api.set_cookies(cookies.clone());
        }
        let checked = match checked {
            Checked::Held => Checked::Held,
            Checked::Broken(message) => Checked::Broken(self.veiled(message)),
            Checked::NotChecked(message) => Checked::NotChecked(self.veiled(message)),
        };
        let alibi = Alibi {
            rule: self.rules[rule.index()].name.clone(),
            wrote: !sent.iter().all(is_safe),
        };
        if self.suspects.checked(alibi) {
            match self.world.systems.changes().await {
                Ok(changes) => {
                    let difference = suspects::difference(&self.position.changes, &changes);
                    let example = difference.map(|change| self.shown(change));
                    self.suspects.look(example);
                    self.position.changes = changes;
                }
                Err(error) => self.not_looked = Some(error),
            }
        }
        checked
    }

    /// Whether the rules left everything as it was. A restore tells that too, unless servers are stopped for it, which may write then.
    pub(super) async fn look_after_rules(&mut self, next: Next) -> Result<Settled> {
        let mut lost = std::mem::take(&mut self.connection_lost);
        let mut ready = self.not_looked.take().map_or(Ok(()), Err);
        if ready.is_ok() && !lost {
            ready = self.wait_until_quiet().await;
            lost = ready.as_ref().is_err_and(is_fatal);
        }
        if let Some(death) = self.dead_server(moment_after(lost)).await {
            self.death_told = true;
            let message = format!("{death} while rules were checked");
            return Ok(Settled::Crashed {
                broken: (self.built_in(BuiltIn::Crash), message),
            });
        }
        ready?;
        if next == Next::Restore && !self.must_restart() {
            return Ok(Settled::Left);
        }
        let now = self.world.systems.changes().await?;
        let difference = suspects::difference(&self.position.changes, &now);
        let example = difference.map(|change| self.shown(change));
        let untouched = self.suspects.settle(example);
        self.position.changes = now;
        Ok(if untouched {
            Settled::Untouched
        } else {
            Settled::Changed
        })
    }
}

/// Whether a request only reads, by its method.
fn is_safe(exchange: &Exchange) -> bool {
    matches!(exchange.method(), "GET" | "HEAD" | "OPTIONS")
}
