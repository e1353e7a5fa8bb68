use std::path::PathBuf;
use std::process::Command;

use super::address::Address;
use super::certificate::Certificate;
use super::process::{Home, Process};
use super::program::{find, succeed, versioned};

/// A PostgreSQL server.
#[derive(Debug)]
pub struct Postgres {
    address: Address,
    process: Option<Process>,
}

impl Postgres {
    /// The server that `VENOMQA_TEST_POSTGRES_URL` names, or one of our own.
    pub fn start() -> Self {
        match Address::named_by("VENOMQA_TEST_POSTGRES_URL") {
            Some(address) => Self {
                address,
                process: None,
            },
            None => Self::own(&[]),
        }
    }

    /// A server of our own, with more settings such as `wal_level=logical`.
    ///
    /// # Panics
    ///
    /// PostgreSQL is not installed, or does not start.
    pub fn own(settings: &[&str]) -> Self {
        Self::own_in(Home::new(), settings)
    }

    /// A server of our own that takes encrypted connections too.
    ///
    /// # Panics
    ///
    /// As [`own`](Self::own), and if OpenSSL is not installed.
    pub fn encrypted() -> Self {
        let home = Home::new();
        let Certificate { file, key } = Certificate::make(&home);
        let settings = [
            "ssl=on",
            &format!("ssl_cert_file={file}"),
            &format!("ssl_key_file={key}"),
        ];
        Self::own_in(home, &settings)
    }

    fn own_in(home: Home, settings: &[&str]) -> Self {
        let program = installed("postgres");
        let initdb = installed("initdb");
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
        let base = format!("postgres://postgres@127.0.0.1:{}", process.port());
        let mut server = Self {
            address: Address::of(base),
            process: Some(process),
        };
        server.wait_until_ready();
        server
    }

    /// The URL of a database on this server, or of the server for no name, as the superuser.
    pub fn url(&self, database: &str) -> String {
        self.address.url(database)
    }

    /// The folder of its sockets, if it is ours.
    pub fn socket_folder(&self) -> Option<PathBuf> {
        Some(self.process.as_ref()?.home().path().to_owned())
    }

    /// Stops the server by a signal (`INT` ends all connections, `KILL` is a crash).
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

    /// Starts it again, as it was.
    ///
    /// # Panics
    ///
    /// It is not ours.
    pub fn resume(&mut self) {
        self.process.as_mut().expect("a server of our own").resume();
        self.wait_until_ready();
    }

    /// Stops it and starts it again.
    ///
    /// # Panics
    ///
    /// It is not ours.
    pub fn restart(&mut self, signal: &str) {
        self.stop(signal);
        self.resume();
    }

    /// It takes connections before it answers them.
    fn wait_until_ready(&mut self) {
        let url = self.url("postgres");
        let Some(process) = &mut self.process else {
            return;
        };
        let mut client = Command::new(installed("psql"));
        for (name, _) in std::env::vars_os() {
            // Settings of the user's, for servers of the user's.
            if name.to_string_lossy().starts_with("PG") {
                client.env_remove(name);
            }
        }
        client.args(["-X", "-c", "SELECT 1", &url]);
        process.answers(client);
    }
}

fn installed(program: &str) -> PathBuf {
    let mut folders = versioned("/usr/lib/postgresql", "bin");
    folders.extend(["/opt/homebrew/bin", "/usr/local/bin"].map(PathBuf::from));
    find(program, &folders, "postgresql")
}
