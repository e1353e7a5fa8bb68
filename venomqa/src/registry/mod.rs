//! What the attribute macros register, and the suites that come of it.

mod entry;
mod parts;
mod suite;

pub use entry::{
    ActionEntry, ActionFn, ExplorationEntry, InvariantEntry, InvariantFn, Place, ValuesArgument,
    WorldFn,
};
pub use parts::{ActionArgument, InvariantArgument, Parts, not_checked};
pub(crate) use suite::Suite;
