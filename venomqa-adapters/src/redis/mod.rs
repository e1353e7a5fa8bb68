//! Databases of a live Redis server.

mod adapter;
mod contents;
mod entry;
mod expiry;
mod follow;
mod found;
mod heard;
mod link;
mod location;
mod look;
mod options;
mod precheck;
mod query;
mod recover;
mod retire;
mod run;
mod session;
mod stop;
mod stream;
mod system;
mod text;
mod tree;
mod value;
mod write;

pub use adapter::RedisAdapter;
pub use options::{RedisMode, RedisOptions};
