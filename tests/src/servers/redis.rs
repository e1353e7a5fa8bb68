use std::path::PathBuf;

use super::address::Address;
use super::certificate::Certificate;
use super::process::{Home, Process};
use super::program::find;

/// A Redis server.
#[derive(Debug)]
pub struct Redis {
    address: Address,
    process: Option<Process>,
}

impl Redis {
    /// The server that `VENOMQA_TEST_REDIS_URL` names, or one of our own.
    ///
    /// # Panics
    ///
    /// The server that is named keeps its keys on disk: all of its databases are emptied, and somebody may want those keys.
    pub fn start() -> Self {
        match Address::named_by(VARIABLE) {
            Some(address) => {
                expect_throw_away(&address.url(""));
                Self {
                    address,
                    process: None,
                }
            }
            None => Self::own(&[]),
        }
    }

    /// A server of our own, with more settings such as `--maxmemory 10mb`. It keeps nothing on disk unless they say so.
    ///
    /// # Panics
    ///
    /// Redis is not installed, or does not start.
    pub fn own(settings: &[&str]) -> Self {
        Self::own_in(Home::new(), "--port", settings)
    }

    /// A server of our own that takes only encrypted connections. The scheme of its URLs is still `redis`.
    ///
    /// # Panics
    ///
    /// As [`own`](Self::own), and if OpenSSL is not installed.
    pub fn encrypted() -> Self {
        let home = Home::new();
        let Certificate { file, key } = Certificate::make(&home);
        let settings = [
            "--port",
            "0",
            "--tls-cert-file",
            &file,
            "--tls-key-file",
            &key,
            "--tls-auth-clients",
            "no",
        ];
        Self::own_in(home, "--tls-port", &settings)
    }

    fn own_in(home: Home, listen: &str, settings: &[&str]) -> Self {
        let folders = ["/usr/bin", "/opt/homebrew/bin", "/usr/local/bin"].map(PathBuf::from);
        let program = find("redis-server", &folders, "redis-server");
        let folder = home.path().display().to_string();
        let arguments = |port: u16| {
            let port = port.to_string();
            let fixed = [
                "--bind",
                "127.0.0.1",
                listen,
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
            address: Address::of(format!("redis://127.0.0.1:{}", process.port())),
            process: Some(process),
        }
    }

    /// The URL of one of its numbered databases.
    pub fn url(&self, database: u32) -> String {
        self.address.url(&database.to_string())
    }

    /// The URL of the server.
    pub fn server_url(&self) -> String {
        self.address.url("")
    }

    /// A folder for what belongs to this server, which goes with it if it is ours.
    pub fn folder(&self) -> PathBuf {
        match &self.process {
            Some(process) => process.home().path().to_owned(),
            None => std::env::temp_dir(),
        }
    }

    /// Stops the server by a signal (`TERM`, or `KILL` for a crash).
    ///
    /// # Panics
    ///
    /// It is not ours.
    pub fn stop(&mut self, signal: &str) {
        self.process
            .as_mut()
            .expect("a server of our own")
            .stop(signal);
    }

    /// Stops it and starts it again.
    ///
    /// # Panics
    ///
    /// It is not ours.
    pub fn restart(&mut self, signal: &str) {
        self.stop(signal);
        self.process.as_mut().expect("a server of our own").resume();
    }
}

const VARIABLE: &str = "VENOMQA_TEST_REDIS_URL";

fn expect_throw_away(url: &str) {
    let kept = || {
        let mut server = redis::Client::open(url)?.get_connection()?;
        redis::cmd("CONFIG")
            .arg("GET")
            .arg("save")
            .arg("appendonly")
            .query::<std::collections::HashMap<String, String>>(&mut server)
    };
    let kept = kept().unwrap_or_else(|error| panic!("{VARIABLE}: {error}"));
    assert!(
        kept["save"].is_empty() && kept["appendonly"] == "no",
        "{VARIABLE} names a server that keeps its keys on disk, and the tests empty all of its databases: name one that was started with \
         `--save '' --appendonly no`"
    );
}
