use std::time::{Duration, Instant};

use super::built_in::BuiltIn;
use super::hooks::Fault;
use super::stage::{Last, Stage};
use crate::explorer::{ActionId, Performed};
use crate::{Error, Exchange, Outcome, Parts, Result, Step};

/// How an action is performed, and what comes of it.
impl Stage {
    pub(super) async fn act(&mut self, action: ActionId) -> Result<Performed> {
        // What the steps before changed must not be told as this one's doing.
        if self
            .position
            .changes
            .iter()
            .any(|changes| !changes.is_empty())
        {
            let passing = self.save().await?;
            self.let_go(passing);
        }
        self.last = Last {
            action: Some(action),
            ..Last::default()
        };
        let spec = &self.actions[action.index()];
        if spec.requires.iter().any(|key| !self.context.has(key)) {
            return Ok(Performed::Declined { broken: None });
        }
        self.position.unseen = true;
        // What hooks and rules asked is none of this step's doing.
        self.take_exchanges();
        let started = Instant::now();
        self.context.clear_missed();
        let outcome = self.call(action).await;
        self.last.elapsed = started.elapsed();
        self.last.exchanges = self.take_exchanges();
        self.cookies.clear();
        self.cookies
            .extend(self.world.apis.iter().map(|(_, api)| api.cookies()));

        let lost = self
            .last
            .exchanges
            .iter()
            .find(|exchange| exchange.is_lost());
        let failed = match &outcome {
            Outcome::Failed(error) => Some(error),
            _ => None,
        };
        let unanswered = lost.is_some() || failed.is_some_and(is_fatal);
        if let Some(death) = self.dead_server(moment_after(unanswered)).await {
            return self.crashed(death);
        }
        if let Some(lost) = lost {
            // Whatever the action makes of it: an API that does not answer cannot be explored.
            let cause = lost.failure().unwrap_or("no answer");
            return Err(match outcome {
                Outcome::Failed(error) if is_fatal(&error) => error,
                Outcome::Failed(error) => Error::User(format!("{error} ({lost}: {cause})").into()),
                _ => Error::Transport {
                    method: lost.method().into(),
                    url: lost.url(),
                    cause: cause.into(),
                },
            });
        }
        let missed = self.context.has_missed();
        let (status, mut broken) = match outcome {
            Outcome::NotApplicable => return self.declined().await,
            Outcome::Failed(Error::User(_)) if missed => return self.declined().await,
            Outcome::Failed(error) if is_fatal(&error) => return Err(error),
            Outcome::Failed(error) => (
                None,
                vec![(
                    self.built_in(BuiltIn::FailedAction),
                    self.veiled(error.to_string()),
                )],
            ),
            Outcome::Answered(response) => (Some(response.status()), Vec::new()),
            Outcome::Done => (None, Vec::new()),
        };
        self.last.status = status.or_else(|| self.last.exchanges.last().and_then(Exchange::status));
        let fingerprint = match self.look().await {
            Ok(fingerprint) => fingerprint,
            Err(error) => {
                return match self.dead_server(moment_after(is_fatal(&error))).await {
                    Some(death) => self.crashed(death),
                    None => Err(error),
                };
            }
        };
        if let Some(death) = self.dead_server(Duration::ZERO).await {
            return self.crashed(death);
        }
        self.remember()?;
        let spec = &self.actions[action.index()];
        let bad = self.last.exchanges.iter().find(|exchange| {
            exchange
                .status()
                .is_some_and(|status| status >= 500 && !spec.expects(status))
        });
        if let Some(exchange) = bad {
            broken.insert(
                0,
                (self.built_in(BuiltIn::ServerError), exchange.to_string()),
            );
        }
        let expected = self.last.status.is_none_or(|status| spec.expects(status));
        Ok(Performed::Arrived {
            fingerprint,
            status: self.last.status,
            expected,
            broken,
        })
    }

    /// Calls the action's function, and turns a panic into an error.
    async fn call(&mut self, action: ActionId) -> Outcome {
        let call = &self.actions[action.index()].call;
        let parts = Parts::for_action(&self.world, &mut self.context);
        match self.world.guarded(async { call(parts).await }).await {
            Ok(outcome) => outcome,
            Err(fault @ Fault::Endless(_)) => Outcome::Failed(Error::set_up(fault.to_string())),
            Err(fault @ Fault::Panicked(_)) => {
                // Whatever was missing before, this is no way to say that it does not apply.
                self.context.clear_missed();
                Outcome::Failed(Error::User(fault.to_string().into()))
            }
        }
    }

    /// A dead server, and how it died. One that is about to die is given a moment.
    pub(super) async fn dead_server(&self, moment: Duration) -> Option<String> {
        if self.world.servers.is_empty() {
            return None;
        }
        let deadline = Instant::now() + moment;
        loop {
            for (name, server) in &self.world.servers {
                if let Some(exit) = server.exit_status() {
                    return Some(format!("the {name} died: {exit}"));
                }
            }
            if Instant::now() >= deadline {
                return None;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// What came of an action that says that it does not apply.
    async fn declined(&mut self) -> Result<Performed> {
        self.position.changes = self.world.systems.changes().await?;
        self.position.unseen = false;
        self.last.changes.clone_from(&self.position.changes);
        self.remember()?;
        let sent = self
            .last
            .exchanges
            .first()
            .map(|exchange| format!("it sent `{exchange}`"));
        let changed = || {
            self.last
                .changes
                .iter()
                .flatten()
                .next()
                .map(|change| format!("it changed {}", self.shown(change)))
        };
        let effect = sent.or_else(changed);
        let broken = effect.map(|effect| {
            (
                self.built_in(BuiltIn::LateRefusal),
                format!("{effect} and then said that it does not apply"),
            )
        });
        Ok(Performed::Declined { broken })
    }

    fn crashed(&mut self, death: String) -> Result<Performed> {
        self.death_told = true;
        self.remember()?;
        Ok(Performed::Crashed {
            broken: (self.built_in(BuiltIn::Crash), death),
        })
    }

    pub(super) fn step(&self) -> Step {
        let info = self.last.action.map(|action| &self.actions[action.index()]);
        let several = self.world.systems.len() > 1;
        let changes = self
            .world
            .systems
            .iter()
            .zip(&self.last.changes)
            .enumerate()
            .flat_map(|(system, ((name, _), changes))| {
                changes.iter().map(move |change| {
                    let change = self.shown(&self.identity.without_noise(system, change));
                    if several {
                        format!("{name}: {change}")
                    } else {
                        change
                    }
                })
            });
        Step {
            action: info.map_or_else(String::new, |action| action.name.clone()),
            label: info.map_or_else(String::new, |action| action.label.clone()),
            exchanges: self.last.exchanges.clone(),
            status: self.last.status,
            changes: changes.collect(),
            elapsed: self.last.elapsed,
        }
    }

    /// Notes the step, for reports and for rules that look at it.
    fn remember(&mut self) -> Result<()> {
        let wanted = self.rules.iter().any(|rule| rule.takes_step);
        if !wanted && self.last.exchanges.is_empty() {
            return Ok(());
        }
        let step = self.step();
        if !step.exchanges.is_empty() {
            let kept = self.records.keep(step.clone());
            self.last.record = Some(kept.map_err(|source| Error::File {
                path: "the record of exchanges".into(),
                source,
            })?);
        }
        if wanted {
            self.last.step = Some(step);
        }
        Ok(())
    }
}

/// How long a server may take to die, if a request was just left without an answer.
pub(super) fn moment_after(unanswered: bool) -> Duration {
    if unanswered {
        Duration::from_millis(500)
    } else {
        Duration::ZERO
    }
}

/// Whether the API as such cannot be talked to, which ends an exploration. Other errors are the action's own.
pub(super) fn is_fatal(error: &Error) -> bool {
    matches!(
        error,
        Error::Transport { .. }
            | Error::Timeout { .. }
            | Error::SetUp(_)
            | Error::System { .. }
            | Error::Server { .. }
    )
}
