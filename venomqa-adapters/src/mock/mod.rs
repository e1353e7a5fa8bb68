//! Tables in memory: for tests of actions and rules without a database, and for an API that runs in the test's own process.

mod adapter;
mod journal;
mod query;
mod schema;
mod sql;
mod system;
mod token;

pub use adapter::MockSystem;
pub use schema::Key;
