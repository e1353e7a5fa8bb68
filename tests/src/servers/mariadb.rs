use std::path::PathBuf;
use std::process::Command;

use super::address::Address;
use super::certificate::Certificate;
use super::process::{Home, Process};
use super::program::{find, succeed};

/// What a MariaDB server writes into its binary log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BinaryLog {
    /// The rows that changed, with all their columns.
    FullRows,
    /// Nothing: there is none, as MariaDB comes.
    Off,
}

/// A MariaDB server.
#[derive(Debug)]
pub struct MariaDb {
    address: Address,
    process: Option<Process>,
}

impl MariaDb {
    /// The server that `VENOMQA_TEST_MYSQL_URL` names, or one of our own with a binary log of full rows.
    pub fn start() -> Self {
        match Address::named_by("VENOMQA_TEST_MYSQL_URL") {
            Some(address) => Self {
                address,
                process: None,
            },
            None => Self::own(BinaryLog::FullRows, &[]),
        }
    }

    /// A server of our own, with more settings such as `innodb-lock-wait-timeout=2`.
    ///
    /// # Panics
    ///
    /// MariaDB is not installed, or does not start.
    pub fn own(log: BinaryLog, settings: &[&str]) -> Self {
        Self::own_in(Home::new(), log, settings)
    }

    /// A server of our own with a binary log of full rows that takes encrypted connections too.
    ///
    /// # Panics
    ///
    /// As [`own`](Self::own), and if OpenSSL is not installed.
    pub fn encrypted() -> Self {
        let home = Home::new();
        let Certificate { file, key } = Certificate::make(&home);
        let settings = [&*format!("ssl-cert={file}"), &*format!("ssl-key={key}")];
        Self::own_in(home, BinaryLog::FullRows, &settings)
    }

    fn own_in(home: Home, log: BinaryLog, settings: &[&str]) -> Self {
        let program = installed("mariadbd");
        let install = installed("mariadb-install-db");
        let data = format!("--datadir={}", home.path().join("data").display());
        // A folder of its own: a server that starts removes the temporary tables of others.
        let temporary = format!("--tmpdir={}", home.path().display());
        // `normal` makes root an account with an empty password rather than one of the system's user.
        succeed(home.command(install).args([
            "--no-defaults",
            &data,
            &temporary,
            "--auth-root-authentication-method=normal",
            "--skip-test-db",
            "--skip-name-resolve",
        ]));
        let folder = home.path().display().to_string();
        let arguments = |port: u16| {
            let mut arguments = vec![
                "--no-defaults".to_owned(),
                data.clone(),
                format!("--port={port}"),
                format!("--socket={folder}/socket"),
                format!("--tmpdir={folder}"),
                "--bind-address=127.0.0.1".into(),
                "--skip-name-resolve".into(),
                "--innodb-flush-log-at-trx-commit=0".into(),
                // Statistics are gathered whenever a table's counter is set, and nobody here needs good ones.
                "--innodb-stats-persistent-sample-pages=1".into(),
                // Nothing here must outlive a failure of power; a crash of the server it outlives all the same.
                "--loose-debug-no-sync".into(),
                "--innodb-buffer-pool-size=64M".into(),
                "--server-id=1".into(),
            ];
            if log == BinaryLog::FullRows {
                arguments.extend(
                    [
                        "--log-bin=binlog",
                        "--binlog-format=ROW",
                        "--binlog-row-image=FULL",
                    ]
                    .map(String::from),
                );
            }
            arguments.extend(settings.iter().map(|setting| format!("--{setting}")));
            arguments
        };
        let process = Process::start(home, program, "TERM", arguments);
        let mut server = Self {
            address: Address::of(format!("mysql://root@127.0.0.1:{}", process.port())),
            process: Some(process),
        };
        server.wait_until_ready();
        server
    }

    /// The URL of a database on this server, or of the server for no name, as root.
    pub fn url(&self, database: &str) -> String {
        self.address.url(database)
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
        self.wait_until_ready();
    }

    /// It takes connections before it answers them.
    fn wait_until_ready(&mut self) {
        let Some(process) = &mut self.process else {
            return;
        };
        let mut client = Command::new(installed("mariadb"));
        client.args([
            "--no-defaults",
            "--protocol=tcp",
            "--host=127.0.0.1",
            "--user=root",
            "--execute=SELECT 1",
        ]);
        client.arg(format!("--port={}", process.port()));
        process.answers(client);
    }
}

fn installed(program: &str) -> PathBuf {
    let folders = [
        "/usr/sbin",
        "/usr/bin",
        "/opt/homebrew/bin",
        "/usr/local/bin",
    ];
    find(program, &folders.map(PathBuf::from), "mariadb-server")
}
