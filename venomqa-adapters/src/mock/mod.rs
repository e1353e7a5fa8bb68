//! Tables in memory: for tests of actions and rules without a database, and for an API that runs in the test's own process.

mod adapter;
mod journal;
mod schema;
mod system;

pub use adapter::MockSystem;
pub use schema::Key;
