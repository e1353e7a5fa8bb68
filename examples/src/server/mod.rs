//! What the servers of this package have in common.

mod bugs;
mod environment;
mod refusal;

pub use bugs::{Bug, Bugs, UnknownBug};
pub use environment::StartError;
pub(crate) use environment::{number, required, variable};
pub use refusal::Failure;
pub(crate) use refusal::{Answer, Id, Refusal};
