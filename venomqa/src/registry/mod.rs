//! What the attribute macros register, and the suites that come of it.

mod entry;
mod parts;
mod problems;
mod returned;
mod suite;

pub use entry::{ActionEntry, ExplorationEntry, InvariantEntry, Place, ValuesArgument};
pub use parts::{ActionArgument, InvariantArgument, Parts};
pub use returned::{checked, not_checked, outcome, world};
pub(crate) use suite::Suite;
