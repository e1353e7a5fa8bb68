use std::collections::BTreeMap;
use std::future::Future;
use std::time::Duration;

use super::ids::{ActionId, Fingerprint, RuleId};
use crate::{Checked, Error, Result, Severity, Step, SystemReport, When};

/// What the explorer explores. The world behind a suite is one; toy graphs in tests are others.
///
/// A subject stands in one state. The explorer tells it what to perform and where to return to, never two things at once.
pub(crate) trait Subject: Send {
    /// The actions, in the order of registration.
    fn actions(&self) -> &[ActionInfo];

    /// The rules, in the order of registration, the built-in ones last.
    fn rules(&self) -> &[RuleInfo];

    /// Whether fingerprints say when two states are the same. Otherwise every path leads to a state of its own.
    fn identifies(&self) -> bool;

    /// Makes the present state the root.
    fn begin(&mut self) -> impl Future<Output = Result<(Mark, Fingerprint)>> + Send;

    /// Performs an action in the present state.
    ///
    /// # Errors
    ///
    /// Nothing can be performed any more; the exploration ends.
    fn perform(&mut self, action: ActionId) -> impl Future<Output = Result<Performed>> + Send;

    /// Evaluates a rule of the user's in the present state.
    fn check(&mut self, rule: RuleId) -> impl Future<Output = Checked> + Send;

    /// Tells whether the rules that were checked since the last action left everything as it was. What they changed is
    /// undone by the next [`restore`](Subject::restore), which finds out as well: where one comes next in any case, this may leave it
    /// to that. Who then does not restore settles once more.
    fn settle(&mut self, next: Next) -> impl Future<Output = Result<Settled>> + Send;

    /// A broken built-in rule, if the server has died since the last action and nobody was told. It is given a moment to.
    fn died(&mut self, moment: Duration) -> impl Future<Output = Option<(RuleId, String)>> + Send;

    /// Saves the present state, as it was before any rule was checked in it.
    fn seal(&mut self) -> impl Future<Output = Result<Mark>> + Send;

    /// Whether [`restore`](Subject::restore) can go there now. Always true for the root.
    fn can_restore(&self, mark: Mark) -> bool;

    /// Goes back to a saved state.
    fn restore(&mut self, mark: Mark) -> impl Future<Output = Result<()>> + Send;

    /// Lets go of a saved state.
    fn release(&mut self, mark: Mark);

    /// Whether saved states hold more memory than they may.
    fn is_full(&self) -> bool;

    /// Goes back to the root by the cleanest way there is: with a fresh process, if the world owns the server.
    fn start_clean(&mut self) -> impl Future<Output = Result<Fingerprint>> + Send;

    /// The last performed action, as reports show it.
    fn last_step(&mut self) -> Step;

    /// The number under which the last performed action was recorded, if it was.
    fn last_record(&self) -> Option<u32>;

    /// An action recorded earlier.
    fn recall(&mut self, record: u32) -> Option<Step>;

    /// What the last performed action left, place by place, to find out what differs between two executions.
    fn footprint(&mut self) -> Footprint;

    /// An error as reports show it.
    fn tell(&self, error: &Error) -> String;

    /// What the servers printed since the last clean start.
    fn logs(&self) -> String;

    /// What the reader of the result must know about this subject.
    fn notes(&self) -> Vec<String>;

    /// What makes a result for this subject prove nothing, however good it looks.
    fn doubts(&self) -> Vec<String> {
        Vec::new()
    }

    /// The systems of this subject.
    fn systems(&self) -> Vec<SystemReport>;

    /// The time since the subject was made. The explorer has no clock of its own.
    fn elapsed(&self) -> Duration;
}

/// A saved state of a subject.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Mark(pub(crate) u32);

/// What the explorer knows of an action.
#[derive(Clone, Debug)]
pub(crate) struct ActionInfo {
    /// The name, shared by all instances with different arguments.
    pub(crate) name: String,
    /// The name with the arguments.
    pub(crate) label: String,
    pub(crate) max_calls: Option<u32>,
    pub(crate) may_fail: bool,
    pub(crate) weight: u32,
}

/// What the explorer knows of a rule.
#[derive(Clone, Debug)]
pub(crate) struct RuleInfo {
    pub(crate) name: String,
    pub(crate) about: String,
    pub(crate) severity: Severity,
    pub(crate) when: When,
    /// Whether it can only be checked after an action.
    pub(crate) takes_step: bool,
    /// Whether it is one of ours: never checked, only told by [`Performed`].
    pub(crate) built_in: bool,
    /// Whether it is one of ours that what a rule of the user's does can break.
    pub(crate) broken_by_rules: bool,
}

/// What came of performing an action.
#[derive(Debug)]
pub(crate) enum Performed {
    /// It led to a state, maybe the same.
    Arrived {
        fingerprint: Fingerprint,
        status: Option<u16>,
        expected: bool,
        /// Built-in rules that it broke, and how.
        broken: Vec<(RuleId, String)>,
    },
    /// It does not apply. If it did something all the same, a built-in rule is broken.
    Declined { broken: Option<(RuleId, String)> },
    /// It brought the server down, which is a broken built-in rule.
    Crashed { broken: (RuleId, String) },
}

/// What comes after the rules were checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// A restore, whatever the rules did.
    Restore,
    /// That depends.
    Anything,
}

/// What the rules did to the state in which they were checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Settled {
    /// Nothing.
    Untouched,
    /// They changed something, which the next restore undoes.
    Changed,
    /// Whether they changed something is left for the next restore to find out.
    Left,
    /// One of them brought the server down, which is a broken built-in rule.
    Crashed { broken: (RuleId, String) },
}

/// Places (`orders.created_at`, `context.token`) with all the values that were written there, sorted.
pub(crate) type Footprint = BTreeMap<String, Vec<String>>;
