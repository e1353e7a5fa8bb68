//! A SQLite file that another process holds open, or a database in memory that code in this one shares.

mod adapter;
mod contents;
mod follow;
mod holder;
mod index;
mod install;
mod islands;
mod journal;
mod live;
mod location;
mod options;
mod precheck;
mod query;
mod recover;
mod run;
mod schema;
mod session;
mod snapshot;
mod stop;
mod system;
mod value;

pub use adapter::SqliteAdapter;
pub use options::{SqliteMode, SqliteOptions};
