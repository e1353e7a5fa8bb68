use std::path::{Path, PathBuf};

use super::process::{Home, Process};
use super::program::{find, succeed, versioned};

/// A PostgreSQL server.
#[derive(Debug)]
pub struct Postgres {
    /// The URL without a database's name.
    base: String,
    process: Option<Process>,
}

impl Postgres {
    /// The server that `VENOMQA_TEST_POSTGRES_URL` names, or one of our own.
    pub fn start() -> Self {
        match std::env::var("VENOMQA_TEST_POSTGRES_URL") {
            Ok(url) => Self {
                base: super::without_database(&url),
                process: None,
            },
            Err(_) => Self::own(&[]),
        }
    }

    /// A server of our own, with more settings such as `wal_level=logical`.
    ///
    /// # Panics
    ///
    /// PostgreSQL is not installed, or does not start.
    pub fn own(settings: &[&str]) -> Self {
        let mut folders = versioned("/usr/lib/postgresql", "bin");
        folders.extend(["/opt/homebrew/bin", "/usr/local/bin"].map(PathBuf::from));
        let program = find("postgres", &folders, "postgresql");
        let initdb = find("initdb", &folders, "postgresql");
        let home = Home::new();
        let data = home.path().join("data").display().to_string();
        succeed(home.command(initdb).args([
            "--pgdata",
            &data,
            "--username=postgres",
            "--auth=trust",
            "--encoding=UTF8",
            "--no-locale",
            "--no-sync",
        ]));
        let socket = home.path().display().to_string();
        // What it keeps need not outlive a crash of this machine; fsync stays as it is for the servers that users have, off here.
        let fixed = [
            "listen_addresses=127.0.0.1",
            "fsync=off",
            "max_connections=100",
            "max_prepared_transactions=10",
        ];
        let arguments = |port: u16| {
            let mut arguments = vec![
                "-D".to_owned(),
                data.clone(),
                "-p".into(),
                port.to_string(),
                "-k".into(),
                socket.clone(),
            ];
            for setting in fixed.iter().chain(settings) {
                arguments.extend(["-c".to_owned(), (*setting).to_owned()]);
            }
            arguments
        };
        let process = Process::start(home, program, "INT", arguments);
        let server = Self {
            base: format!("postgres://postgres@127.0.0.1:{}", process.port()),
            process: Some(process),
        };
        server.wait_until_ready();
        server
    }

    /// The URL of a database on this server, as the superuser.
    pub fn url(&self, database: &str) -> String {
        format!("{}/{database}", self.base)
    }

    /// The folder of its sockets, if it is ours.
    pub fn socket_folder(&self) -> Option<PathBuf> {
        Some(self.process.as_ref()?.home().path().to_owned())
    }

    /// Stops the server by a signal (`INT` ends all connections, `KILL` is a crash) and starts it again.
    ///
    /// # Panics
    ///
    /// It is not ours.
    pub fn restart(&mut self, signal: &str) {
        let process = self.process.as_mut().expect("a server of our own");
        process.stop(signal);
        // What a crash leaves of a server lives on for a moment, and none starts beside it.
        let data = process.home().path().join("data");
        super::eventually("what is left of PostgreSQL ends", || !works_in(&data));
        process.resume();
        self.wait_until_ready();
    }

    /// It takes connections before it answers them.
    fn wait_until_ready(&self) {
        super::eventually("PostgreSQL answers", || {
            let mut psql = std::process::Command::new("psql");
            psql.args(["-X", "-c", "SELECT 1", &self.url("postgres")])
                .output()
                .is_ok_and(|output| output.status.success())
        });
    }
}

/// Whether a process has this as its working folder, as far as the operating system tells.
fn works_in(folder: &Path) -> bool {
    let processes = Path::new("/proc")
        .read_dir()
        .into_iter()
        .flatten()
        .flatten();
    processes
        .filter_map(|process| std::fs::read_link(process.path().join("cwd")).ok())
        .any(|works| works == folder)
}
