//! A PostgreSQL database that another process holds open, or that code in this one shares through a connection of ours.

mod adapter;
mod begun;
mod clones;
mod contents;
mod holder;
mod install;
mod journal;
mod link;
mod location;
mod lock;
mod look;
mod marks;
mod net;
mod options;
mod precheck;
mod query;
mod recover;
mod root;
mod run;
mod said;
mod savepoint;
mod schema;
mod sequences;
mod session;
mod shared;
mod stop;
mod system;
mod template;
mod value;

pub use adapter::PostgresAdapter;
pub use options::{PostgresMode, PostgresOptions};
pub use shared::PostgresConnection;
