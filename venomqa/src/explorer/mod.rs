//! The explorer: one loop over the state graph. It knows traits only: no HTTP, no SQL, no printing, no clock of its own.

mod check;
mod event;
mod execute;
mod exploration;
mod explore;
#[expect(
    clippy::module_inception,
    reason = "the folder is named after its main type"
)]
mod explorer;
mod findings;
mod graph;
mod ids;
mod ledger;
mod pair_set;
mod paths;
mod reach;
mod recheck;
mod replay;
mod sighting;
pub mod strategy;
mod subject;
mod violation;

pub use event::Event;
pub use exploration::{ActionReport, Divergence, Ended, Exploration, RuleReport, SystemReport};
pub(crate) use explore::explore;
pub(crate) use ids::{ActionId, Fingerprint, RuleId};
pub use replay::{Breach, Replay};
pub(crate) use replay::{meant, replay};
pub(crate) use subject::{
    ActionInfo, Footprint, Mark, Next, Performed, RuleInfo, Settled, Subject,
};
pub use violation::{Confirmation, Violation};
