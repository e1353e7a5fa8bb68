use crate::{
    BoxFuture, Checked, Config, Outcome, Parts, Result, Severity, StatusRange, When, World,
};

/// Where a function stands in the user's source.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// `module_path!()`.
    pub module: &'static str,
    /// `file!()`.
    pub file: &'static str,
    /// `line!()`.
    pub line: u32,
    /// `column!()`.
    pub column: u32,
}

/// Calls an action's function, with one value chosen by its position for each argument that has `#[values]`.
pub(super) type ActionFn = for<'a> fn(Parts<'a>, &'a [usize]) -> BoxFuture<'a, Outcome>;

/// Calls an invariant's function.
pub(super) type InvariantFn = for<'a> fn(Parts<'a>) -> BoxFuture<'a, Checked>;

/// Calls an exploration's function.
pub(super) type WorldFn = fn() -> BoxFuture<'static, Result<World>>;

/// An argument with the values that it takes.
#[derive(Clone, Copy, Debug)]
pub struct ValuesArgument {
    /// The argument's name.
    pub name: &'static str,
    /// The values, as they stand in the source.
    pub values: &'static [&'static str],
}

/// What `#[action]` registers.
#[derive(Clone, Copy, Debug)]
pub struct ActionEntry {
    /// The name in sequences and reports: the option `name`, or that of the function.
    pub name: &'static str,
    /// The function's own name.
    pub function: &'static str,
    /// Where it stands.
    pub place: Place,
    /// The first paragraph of its documentation, or empty.
    pub about: &'static str,
    /// The context keys without which it does not apply.
    pub requires: &'static [&'static str],
    /// The most calls on one path.
    pub max_calls: Option<u32>,
    /// The statuses it expects; [`StatusRange::DEFAULT`] unless the option `expect` says otherwise.
    pub expect: &'static [StatusRange],
    /// Whether the run is green although it never got a status that it expects.
    pub may_fail: bool,
    /// Its share under the strategy `Weighted`; 1 by default.
    pub weight: u32,
    /// The arguments with values, in order.
    pub arguments: &'static [ValuesArgument],
    /// Calls it.
    pub call: ActionFn,
}

/// What `#[invariant]` registers.
#[derive(Clone, Copy, Debug)]
pub struct InvariantEntry {
    /// The name in reports and in test results.
    pub name: &'static str,
    /// The function's own name.
    pub function: &'static str,
    /// Where it stands.
    pub place: Place,
    /// The first paragraph of its documentation, or empty.
    pub about: &'static str,
    /// How bad it is when it is broken.
    pub severity: Severity,
    /// When it is checked.
    pub when: When,
    /// Whether it takes `&Step`, and so cannot be checked before the first action.
    pub takes_step: bool,
    /// Calls it.
    pub call: InvariantFn,
}

/// What `#[exploration]` registers.
#[derive(Clone, Copy, Debug)]
pub struct ExplorationEntry {
    /// The suite's name.
    pub name: &'static str,
    /// Where it stands.
    pub place: Place,
    /// Its configuration, before environment variables.
    pub config: fn() -> Config,
    /// Makes the world.
    pub world: WorldFn,
}

inventory::collect!(ActionEntry);
inventory::collect!(InvariantEntry);
inventory::collect!(ExplorationEntry);
