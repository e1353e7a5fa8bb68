//! The server under test, as a process of ours. Unix only: Linux and macOS.

mod exit;
mod group;
mod launch;
mod logs;
mod port;
mod ready;
#[expect(
    clippy::module_inception,
    reason = "a file is named after its main type"
)]
mod server;
mod spawn;

pub use launch::Launch;
pub use logs::LogMark;
pub use server::Server;
pub use spawn::Spawn;
