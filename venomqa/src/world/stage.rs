use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use serde_json::Value as Json;
use venomqa_adapters::{Checkpoint, RowChange};

use super::built_in::BuiltIn;
use super::identity::Identity;
use super::records::Records;
use super::suspects::Suspects;
use super::witness::Witness;
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
    pub(super) witness: Witness,
    records: Records,
    pub(super) log_marks: Vec<LogMark>,
    pub(super) notes: Vec<String>,
    /// Whether a rule's request got no answer.
    connection_lost: bool,
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
            witness: Witness::default(),
            records: Records::new(RECORDS_LIMIT),
            log_marks: world
                .servers
                .iter()
                .map(|(_, server)| server.log_mark())
                .collect(),
            notes: Vec::new(),
            connection_lost: false,
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
        self.world
            .apis
            .iter()
            .flat_map(|(_, api)| api.take_exchanges())
            .collect()
    }

    /// Calls the action's function, and turns a panic into an error.
    async fn call(&mut self, action: ActionId) -> Outcome {
        let call = &self.actions[action.index()].call;
        let parts = Parts::for_action(&self.world, &mut self.context);
        match panics::catch(async { call(parts).await }).await {
            Ok(outcome) => outcome,
            Err(panicked) => Outcome::Failed(Error::User(panicked.to_string().into())),
        }
    }

    /// Asks the systems what was changed, and the user's function what it observes.
    async fn look(&mut self) -> Result<Fingerprint> {
        self.wait_until_quiet().await?;
        self.position.changes = self.changes().await?;
        self.position.unseen = false;
        self.last.changes.clone_from(&self.position.changes);
        let mut sum = self.position.sum;
        for (system, changes) in self.position.changes.iter().enumerate() {
            sum = sum.wrapping_add(self.identity.delta(system, changes));
        }
        sum = sum.wrapping_add(self.identity.context(&self.context, &self.cookies));
        if let Some(observe) = &self.world.hooks.observe {
            let observed = observe(self.world.main_api()?.clone()).await?;
            self.take_exchanges();
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
        while !quiet(self.world.main_api()?.clone()).await? {
            if Instant::now() >= deadline {
                return Err(Error::set_up(format!(
                    "`quiet_when` did not say yes within {limit:?}"
                )));
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        self.take_exchanges();
        Ok(())
    }

    /// A dead server, and how it died. After a lost connection a server that is about to die is given a moment.
    pub(super) async fn dead_server(&self, connection_lost: bool) -> Option<String> {
        if self.world.servers.is_empty() {
            return None;
        }
        let patience = if connection_lost {
            Duration::from_millis(500)
        } else {
            Duration::ZERO
        };
        let deadline = Instant::now() + patience;
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
                .map(|change| format!("it changed {change}"))
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

    fn step(&mut self) -> Step {
        let info = self.last.action.map(|action| &self.actions[action.index()]);
        let several = self.world.systems.len() > 1;
        let mut changes = Vec::new();
        for (system, of_system) in self.last.changes.iter().enumerate() {
            for change in of_system {
                let change = self.identity.without_noise(system, change);
                changes.push(if several {
                    format!("{}: {change}", self.world.systems[system].0)
                } else {
                    change.to_string()
                });
            }
        }
        Step {
            action: info.map_or_else(String::new, |action| action.name.clone()),
            label: info.map_or_else(String::new, |action| action.label.clone()),
            exchanges: self.last.exchanges.clone(),
            status: self.last.status,
            changes,
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
        self.position.unseen = true;
        self.last = Last {
            action: Some(action),
            ..Last::default()
        };
        let spec = &self.actions[action.index()];
        if spec.requires.iter().any(|key| !self.context.has(key)) {
            return Ok(Performed::Declined { broken: None });
        }
        let started = Instant::now();
        self.context.clear_missed();
        let outcome = self.call(action).await;
        self.last.elapsed = started.elapsed();
        self.last.exchanges = self.take_exchanges();
        self.cookies.clear();
        self.cookies
            .extend(self.world.apis.iter().map(|(_, api)| api.cookies()));

        let failed = match &outcome {
            Outcome::Failed(error) => Some(error),
            _ => None,
        };
        let lost = self
            .last
            .exchanges
            .iter()
            .any(|exchange| exchange.failure().is_some())
            || failed.is_some_and(is_fatal);
        if let Some(death) = self.dead_server(lost).await {
            self.remember()?;
            return Ok(Performed::Crashed {
                broken: (self.built_in(BuiltIn::Crash), death),
            });
        }
        let missed = self.context.has_missed();
        let (status, mut broken) = match outcome {
            Outcome::NotApplicable => return self.declined().await,
            Outcome::Failed(Error::User(_)) if missed => return self.declined().await,
            Outcome::Failed(error) if is_fatal(&error) => return Err(error),
            Outcome::Failed(error) => (
                None,
                vec![(self.built_in(BuiltIn::FailedAction), error.to_string())],
            ),
            Outcome::Answered(response) => (Some(response.status()), Vec::new()),
            Outcome::Done => (None, Vec::new()),
        };
        self.last.status = status.or_else(|| self.last.exchanges.last().and_then(Exchange::status));
        let fingerprint = self.look().await?;
        self.witness
            .note(&self.position.changes, &self.last.exchanges);
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
        if let Some(failure) = self
            .world
            .apis
            .iter()
            .find_map(|(_, api)| api.last_failure())
        {
            self.connection_lost = true;
            if let Checked::Broken(message) = &checked {
                // Whatever the rule makes of it: without an answer it was not evaluated.
                checked = Checked::NotChecked(format!("{message} ({failure})"));
            }
        }
        self.take_exchanges();
        for ((_, api), cookies) in self.world.apis.iter().zip(&self.cookies) {
            api.set_cookies(cookies.clone());
        }
        self.suspects.checked(rule);
        if self.suspects.is_watching()
            && let Ok(changes) = self.changes().await
        {
            let name = &self.rules[rule.index()].name;
            self.suspects
                .compare(Some(name), &mut self.position.changes, changes);
        }
        checked
    }

    async fn settle(&mut self) -> Result<Settled> {
        let lost = std::mem::take(&mut self.connection_lost);
        if let Some(death) = self.dead_server(lost).await {
            let message = format!("{death} while rules were checked");
            return Ok(Settled::Crashed {
                broken: (self.built_in(BuiltIn::Crash), message),
            });
        }
        let now = self.changes().await?;
        let untouched = self
            .suspects
            .settle(&mut self.position.changes, now, &self.rules);
        Ok(if untouched {
            Settled::Untouched
        } else {
            Settled::Changed
        })
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

    fn last_step(&mut self) -> Step {
        self.step()
    }

    fn last_record(&self) -> Option<u32> {
        self.last.record
    }

    fn recall(&mut self, record: u32) -> Option<Step> {
        self.records.read(record)
    }

    fn footprint(&mut self) -> Footprint {
        let mut places: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for (system, changes) in self.last.changes.iter().enumerate() {
            for change in changes {
                let Some(new) = &change.new else { continue };
                for (column, value) in new.iter().enumerate() {
                    let same = change
                        .old
                        .as_ref()
                        .is_some_and(|old| old.get(column) == Some(value));
                    if same || self.identity.leaves_out(system, &change.table, column) {
                        continue;
                    }
                    let place = format!("{}.{}", change.table.name, change.table.columns[column]);
                    places.entry(place).or_default().push(value.to_string());
                }
            }
        }
        for (key, value) in self
            .context
            .entries()
            .filter(|(key, _)| !self.identity.leaves_out_key(key))
        {
            places
                .entry(format!("context.{key}"))
                .or_default()
                .push(value.to_string());
        }
        if !self.identity.leaves_out_cookies() {
            for (_, name, value) in self.cookies.iter().flat_map(Cookies::iter) {
                places
                    .entry("cookies".into())
                    .or_default()
                    .push(format!("{name}={value}"));
            }
        }
        if let Some(observed) = &self.last.observed {
            places
                .entry("observed".into())
                .or_default()
                .push(observed.to_string());
        }
        places
            .values_mut()
            .for_each(|values| values.sort_unstable());
        places
    }

    fn logs(&self) -> String {
        let logs = self
            .world
            .servers
            .iter()
            .zip(&self.log_marks)
            .map(|((_, server), mark)| server.logs_since(*mark));
        logs.collect::<Vec<_>>().join("")
    }

    fn notes(&self) -> Vec<String> {
        let mut notes = self.identity.notes();
        notes.extend(self.suspects.notes());
        notes.extend(self.notes.iter().cloned());
        notes
    }

    fn doubts(&self) -> Vec<String> {
        self.witness.doubt(&self.world).into_iter().collect()
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
