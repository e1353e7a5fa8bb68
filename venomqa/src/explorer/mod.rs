//! The explorer: one loop over the state graph. It knows traits only: no HTTP, no SQL, no printing, no clock of its own.

mod event;
mod exploration;
mod violation;

pub use event::Event;
pub use exploration::{ActionReport, Divergence, Ended, Exploration, RuleReport, SystemReport};
pub use violation::{Confirmation, Violation};
