use std::time::{Duration, Instant};

use serde_json::Value as Json;
use venomqa_adapters::{Checkpoint, RowChange};

use super::built_in::BuiltIn;
use super::identity::Identity;
use super::records::Records;
use super::suspects::Suspects;
use super::witness::Witness;
use crate::explorer::{
    ActionId, ActionInfo, Fingerprint, Footprint, Mark, Next, Performed, RuleId, RuleInfo, Settled,
    Subject,
};
use crate::server::LogMark;
use crate::{
    Action, Checked, Context, Cookies, Error, Exchange, Invariant, Result, Step, SystemReport,
    World,
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
    pub(super) records: Records,
    pub(super) log_marks: Vec<LogMark>,
    pub(super) notes: Vec<String>,
    /// Whether a rule's request got no answer.
    pub(super) connection_lost: bool,
    /// Why the systems could not be asked what a rule changed.
    pub(super) not_looked: Option<Error>,
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
    pub(super) action: Option<ActionId>,
    pub(super) exchanges: Vec<Exchange>,
    pub(super) status: Option<u16>,
    pub(super) changes: Vec<Vec<RowChange>>,
    pub(super) observed: Option<Json>,
    pub(super) elapsed: Duration,
    pub(super) record: Option<u32>,
    /// The same as rules see it; only if one of them looks.
    pub(super) step: Option<Step>,
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
            witness: Witness::default(),
            records: Records::new(RECORDS_LIMIT),
            log_marks: world
                .servers
                .iter()
                .map(|(_, server)| server.log_mark())
                .collect(),
            notes: Vec::new(),
            connection_lost: false,
            not_looked: None,
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
        self.act(action).await
    }

    async fn check(&mut self, rule: RuleId) -> Checked {
        self.ask(rule).await
    }

    async fn settle(&mut self, next: Next) -> Result<Settled> {
        self.look_after_rules(next).await
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
        // Where the root is all that can be returned to, nothing else is worth saving.
        if self.only_starts_over() {
            return true;
        }
        self.world.systems.memory() > self.world.memory_limit
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
        for (name, system) in self.world.systems.iter() {
            if !self.world.apis.is_empty() && !system.about().sees_foreign_commits {
                notes.push(format!(
                    "system `{name}` does not see what other processes write"
                ));
            }
        }
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
                name: name.to_owned(),
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
