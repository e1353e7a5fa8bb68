use std::path::PathBuf;

use super::process::{Home, Process};
use super::program::find;

/// A Redis server.
#[derive(Debug)]
pub struct Redis {
    /// The URL without a database's number.
    base: String,
    process: Option<Process>,
}

impl Redis {
    /// The server that `VENOMQA_TEST_REDIS_URL` names, or one of our own.
    pub fn start() -> Self {
        match std::env::var("VENOMQA_TEST_REDIS_URL") {
            Ok(url) => Self {
                base: super::without_database(&url),
                process: None,
            },
            Err(_) => Self::own(&[]),
        }
    }

    /// A server of our own, with more settings such as `--maxmemory 10mb`. It keeps nothing on disk unless they say so.
    ///
    /// # Panics
    ///
    /// Redis is not installed, or does not start.
    pub fn own(settings: &[&str]) -> Self {
        let folders = ["/usr/bin", "/opt/homebrew/bin", "/usr/local/bin"].map(PathBuf::from);
        let program = find("redis-server", &folders, "redis-server");
        let home = Home::new();
        let folder = home.path().display().to_string();
        let arguments = |port: u16| {
            let port = port.to_string();
            let fixed = [
                "--bind",
                "127.0.0.1",
                "--port",
                &port,
                "--dir",
                &folder,
                "--save",
                "",
                "--appendonly",
                "no",
            ];
            fixed
                .iter()
                .chain(settings)
                .map(|&argument| argument.to_owned())
                .collect()
        };
        let process = Process::start(home, program, "TERM", arguments);
        Self {
            base: format!("redis://127.0.0.1:{}", process.port()),
            process: Some(process),
        }
    }

    /// The URL of one of its numbered databases.
    pub fn url(&self, database: u32) -> String {
        format!("{}/{database}", self.base)
    }

    /// Stops the server by a signal (`TERM`, or `KILL` for a crash) and starts it again.
    ///
    /// # Panics
    ///
    /// It is not ours.
    pub fn restart(&mut self, signal: &str) {
        let process = self.process.as_mut().expect("a server of our own");
        process.stop(signal);
        process.resume();
    }
}
