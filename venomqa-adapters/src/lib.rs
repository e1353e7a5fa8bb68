//! The contract of a rollbackable system, and the systems that fulfil it.
//!
//! VenomQA explores sequences of calls to a live API and has to put the databases behind it back between two branches.
//! Everything that it needs from a database for this stands in one trait, [`System`]. Implementations live beside it, one
//! folder and one feature each:
//!
//! | system | feature | what it follows |
//! |---|---|---|
//! | [`MockSystem`] | always there | tables in memory |
//!
//! The contract is public: a system of your own takes part in an exploration like any of these.

mod contract;
mod error;
mod mock;
mod record;
mod row;
mod tell;

pub use contract::{About, BoxFuture, Checkpoint, Root, RowVisitor, System};
pub use error::{Error, Result};
pub use mock::{Key, MockSystem};
pub use record::{FromValue, Params, Record};
pub use row::{Row, RowChange, Table, Value};
pub use tell::tell;
