use std::time::{Duration, Instant};

use serde_json::Value as Json;
use venomqa_adapters::{Checkpoint, RowChange};

use super::built_in::BuiltIn;
use super::identity::Identity;
use super::records::Records;
use super::suspects::{self, Alibi, Suspects};
use crate::explorer::{
    ActionId, ActionInfo, Fingerprint, Footprint, Mark, Performed, RuleId, RuleInfo, Settled,
    Subject,
};
use crate::server::LogMark;
use crate::{
    Action, Checked, Context, Cookies, Error, Exchange, Invariant, Outcome, Parts, Result, Step,
    SystemReport, World, panics,
};

/// The memory that recorded exchanges may take before they are kept on disk, in bytes.
const RECORDS_LIMIT: usize = 64 << 20;

/// A world with its actions and rules, as the explorer sees it.
#[derive(Debug)]
pub(crate) struct Stage {
    pub(super) world: World,
    pub(super) actions: Vec<Action>,
    pub(super) rules: Vec<Invariant>,
    action_infos: Vec<ActionInfo>,
    rule_infos: Vec<RuleInfo>,
    pub(super) identity: Identity,
    /// The context of the present state, as the last action left it.
    pub(super) context: Context,
    pub(super) cookies: Vec<Cookies>,
    /// Where the systems stand, and what came since.
    pub(super) position: Position,
    pub(super) saved: Saved,
    pub(super) last: Last,
    pub(super) suspects: Suspects,
    records: Records,
    pub(super) log_marks: Vec<LogMark>,
    pub(super) notes: Vec<String>,
    /// Whether a rule's request got no answer.
    connection_lost: bool,
    /// Whether any system ever told a change, and a request that should have made one.
    ever_changed: bool,
    wrote: Option<String>,
    /// Whether the explorer knows that the server is dead.
    pub(super) death_told: bool,
    /// Whether the server was seen to change data when it starts.
    pub(super) writes_at_start: bool,
    started: Instant,
}

/// The systems' last checkpoint, and the changes since.
#[derive(Debug, Default)]
pub(super) struct Position {
    /// The sum of the rows at the checkpoint.
    pub(super) sum: u128,
    /// For each system what it told since the checkpoint.
    pub(super) changes: Vec<Vec<RowChange>>,
    /// Whether an action was performed whose changes were not asked for.
    pub(super) unseen: bool,
}

/// The states to which the world can return.
#[derive(Debug, Default)]
pub(super) struct Saved {
    pub(super) states: Vec<Option<State>>,
    pub(super) free: Vec<Mark>,
}

/// A state to which the world can return.
#[derive(Clone, Debug)]
pub(super) struct State {
    pub(super) checkpoints: Vec<Checkpoint>,
    pub(super) sum: u128,
    pub(super) context: Context,
    pub(super) cookies: Vec<Cookies>,
}

/// What is known of the action performed last.
#[derive(Debug, Default)]
pub(super) struct Last {
    action: Option<ActionId>,
    exchanges: Vec<Exchange>,
    status: Option<u16>,
    pub(super) changes: Vec<Vec<RowChange>>,
    pub(super) observed: Option<Json>,
    elapsed: Duration,
    record: Option<u32>,
    /// The same as rules see it; only if one of them looks.
    step: Option<Step>,
}

impl Stage {
    pub(crate) fn new(world: World, actions: Vec<Action>, rules: Vec<Invariant>) -> Self {
        let action_infos = actions.iter().map(|action| ActionInfo {
            name: action.name.clone(),
            label: action.label.clone(),
            max_calls: action.max_calls,
            may_fail: action.may_fail,
            weight: action.weight,
        });
        let users = rules.iter().map(|rule| RuleInfo {
            name: rule.name.clone(),
            about: rule.about.clone(),
            severity: rule.severity,
            when: rule.when,
            takes_step: rule.takes_step,
            built_in: false,
            broken_by_rules: false,
        });
        Self {
            action_infos: action_infos.collect(),
            rule_infos: users.chain(BuiltIn::infos()).collect(),
            identity: Identity::new(
                &world.ignored,
                world.context_keys.as_deref(),
                world.systems.len(),
            ),
            context: world.context.clone(),
            cookies: Vec::new(),
            position: Position::default(),
            saved: Saved::default(),
            last: Last::default(),
            suspects: Suspects::default(),
            records: Records::new(RECORDS_LIMIT),
            log_marks: world
                .servers
                .iter()
                .map(|(_, server)| server.log_mark())
                .collect(),
            notes: Vec::new(),
            connection_lost: false,
            ever_changed: false,
            wrote: None,
            death_told: false,
            writes_at_start: false,
            started: Instant::now(),
            world,
            actions,
            rules,
        }
    }

    pub(super) fn built_in(&self, rule: BuiltIn) -> RuleId {
        rule.id(self.rules.len())
    }

    /// What the API was asked since this was called last.
    pub(super) fn take_exchanges(&self) -> Vec<Exchange> {
        let apis = self.world.apis.iter();
        let mut taken: Vec<_> = apis.flat_map(|(_, api)| api.take_exchanges()).collect();
        // Each API tells its own in order; together they are in the order in which they were sent.
        taken.sort_by_key(Exchange::started);
        taken
    }

    /// Calls the action's function, and turns a panic into an error.
    async fn call(&mut self, action: ActionId) -> Outcome {
        let call = &self.actions[action.index()].call;
        let parts = Parts::for_action(&self.world, &mut self.context);
        match panics::catch(async { call(parts).await }).await {
            Ok(outcome) => outcome,
            Err(panicked) => {
                // Whatever was missing before, this is no way to say that it does not apply.
                self.context.clear_missed();
                Outcome::Failed(Error::User(panicked.to_string().into()))
            }
        }
    }

    /// A user's commonest mistake: the server has another database than the world.
    fn note_on_stillness(&self) -> Option<String> {
        let sent = self.wrote.as_ref().filter(|_| !self.ever_changed)?;
        let systems = self.world.systems.iter();
        let seeing = systems.filter(|(_, system)| system.about().sees_foreign_commits);
        let names: Vec<_> = seeing.map(|(name, _)| format!("`{name}`")).collect();
        (!names.is_empty()).then(|| {
            format!(
                "nothing ever changed in {}, although the API answered `{sent}`: is this the database that the API uses?",
                names.join(", ")
            )
        })
    }

    /// Asks the systems what was changed, and the user's function what it observes.
    async fn look(&mut self) -> Result<Fingerprint> {
        self.wait_until_quiet().await?;
        self.position.changes = self.changes().await?;
        self.position.unseen = false;
        self.last.changes.clone_from(&self.position.changes);
        self.ever_changed |= self
            .position
            .changes
            .iter()
            .any(|changes| !changes.is_empty());
        if !self.ever_changed && self.wrote.is_none() {
            let done = |exchange: &&Exchange| {
                !is_safe(exchange) && matches!(exchange.status(), Some(200..400))
            };
            self.wrote = self
                .last
                .exchanges
                .iter()
                .find(done)
                .map(ToString::to_string);
        }
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

    pub(super) async fn changes(&self) -> Result<Vec<Vec<RowChange>>> {
        let mut all = Vec::with_capacity(self.world.systems.len());
        for (name, system) in &self.world.systems {
            all.push(system.changes().await.map_err(|source| Error::System {
                name: name.clone(),
                source,
            })?);
        }
        Ok(all)
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
        self.position.changes = self.changes().await?;
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

    fn step(&self) -> Step {
        let info = self.last.action.map(|action| &self.actions[action.index()]);
        let several = self.world.systems.len() > 1;
        let changes =
            self.world
                .systems
                .iter()
                .zip(&self.last.changes)
                .flat_map(|((name, _), changes)| {
                    changes.iter().map(move |change| {
                        let change = self.shown(change);
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

/// Whether a request only reads, by its method.
fn is_safe(exchange: &Exchange) -> bool {
    matches!(exchange.method(), "GET" | "HEAD" | "OPTIONS")
}

/// How long a server may take to die, if a request was just left without an answer.
fn moment_after(unanswered: bool) -> Duration {
    if unanswered {
        Duration::from_millis(500)
    } else {
        Duration::ZERO
    }
}

/// Whether the API as such cannot be talked to, which ends an exploration. Other errors are the action's own.
fn is_fatal(error: &Error) -> bool {
    matches!(
        error,
        Error::Transport { .. }
            | Error::Timeout { .. }
            | Error::SetUp(_)
            | Error::System { .. }
            | Error::Server { .. }
    )
}

impl Subject for Stage {
    fn actions(&self) -> &[ActionInfo] {
        &self.action_infos
    }

    fn rules(&self) -> &[RuleInfo] {
        &self.rule_infos
    }

    fn identifies(&self) -> bool {
        self.world.apis.is_empty()
            || self.world.hooks.observe.is_some()
            || self
                .world
                .systems
                .iter()
                .any(|(_, system)| system.about().sees_foreign_commits)
    }

    async fn begin(&mut self) -> Result<(Mark, Fingerprint)> {
        let mark = self.make_ready().await?;
        self.last = Last::default();
        Ok((mark, self.look().await?))
    }

    async fn perform(&mut self, action: ActionId) -> Result<Performed> {
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
                vec![(self.built_in(BuiltIn::FailedAction), self.tell(&error))],
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

    async fn check(&mut self, rule: RuleId) -> Checked {
        let rule_of_user = &self.rules[rule.index()];
        let parts = Parts::for_invariant(&self.world, &self.context, self.last.step.as_ref());
        let call = &rule_of_user.call;
        let mut checked = match panics::catch(async { call(parts).await }).await {
            Ok(checked) => checked,
            Err(panicked) => Checked::Broken(panicked.to_string()),
        };
        let sent = self.take_exchanges();
        if let Some(lost) = sent.iter().find(|exchange| exchange.is_lost()) {
            self.connection_lost = true;
            // Whatever the rule makes of it: without an answer it was not evaluated.
            let failure = format!("{lost}: {}", lost.failure().unwrap_or("no answer"));
            checked = Checked::NotChecked(match checked {
                Checked::Held => failure,
                Checked::NotChecked(message) if message.contains(&failure) => message,
                Checked::Broken(message) | Checked::NotChecked(message) => {
                    format!("{message} ({failure})")
                }
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
        if self.suspects.checked(alibi)
            && let Ok(changes) = self.changes().await
        {
            let difference = suspects::difference(&self.position.changes, &changes);
            let example = difference.map(|change| self.shown(change));
            self.suspects.look(example);
            self.position.changes = changes;
        }
        checked
    }

    async fn settle(&mut self) -> Result<Settled> {
        let lost = std::mem::take(&mut self.connection_lost);
        if let Some(death) = self.dead_server(moment_after(lost)).await {
            self.death_told = true;
            let message = format!("{death} while rules were checked");
            return Ok(Settled::Crashed {
                broken: (self.built_in(BuiltIn::Crash), message),
            });
        }
        let now = self.changes().await?;
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

    async fn died(&mut self, moment: Duration) -> Option<(RuleId, String)> {
        if self.death_told {
            return None;
        }
        let death = self.dead_server(moment).await?;
        self.death_told = true;
        Some((self.built_in(BuiltIn::Crash), death))
    }

    async fn seal(&mut self) -> Result<Mark> {
        self.save().await
    }

    fn can_restore(&self, mark: Mark) -> bool {
        self.can_return(mark)
    }

    async fn restore(&mut self, mark: Mark) -> Result<()> {
        self.return_to(mark).await
    }

    fn release(&mut self, mark: Mark) {
        self.let_go(mark);
    }

    fn is_full(&self) -> bool {
        // Where the root is all that can be returned to, nothing is worth saving.
        if self.only_starts_over() {
            return true;
        }
        let held: usize = self
            .world
            .systems
            .iter()
            .map(|(_, system)| system.memory())
            .sum();
        held > self.world.memory_limit
    }

    async fn start_clean(&mut self) -> Result<Fingerprint> {
        self.start_over().await?;
        self.last = Last::default();
        self.look().await
    }

    fn last_step(&self) -> Step {
        self.step()
    }

    fn last_record(&self) -> Option<u32> {
        self.last.record
    }

    fn recall(&mut self, record: u32) -> Option<Step> {
        self.records.read(record)
    }

    fn footprint(&mut self) -> Footprint {
        self.places()
    }

    fn logs(&self) -> String {
        let logs = self
            .world
            .servers
            .iter()
            .zip(&self.log_marks)
            .map(|((_, server), mark)| server.logs_since(*mark));
        self.veiled(logs.collect::<Vec<_>>().join(""))
    }

    fn tell(&self, error: &Error) -> String {
        self.veiled(error.to_string())
    }

    fn notes(&self) -> Vec<String> {
        let mut notes = self.identity.notes();
        for (name, system) in &self.world.systems {
            if !self.world.apis.is_empty() && !system.about().sees_foreign_commits {
                notes.push(format!(
                    "system `{name}` does not see what other processes write"
                ));
            }
        }
        notes.extend(self.suspects.notes());
        notes.extend(self.note_on_stillness());
        notes.extend(self.notes.iter().cloned());
        notes
    }

    fn systems(&self) -> Vec<SystemReport> {
        let systems = self.world.systems.iter().map(|(name, system)| {
            let about = system.about();
            SystemReport {
                name: name.clone(),
                about: about.name,
                mechanism: about.mechanism,
                gaps: about.gaps,
            }
        });
        systems.collect()
    }

    fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }
}
