use std::path::PathBuf;

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
    /// The URL without a database's name.
    base: String,
    process: Option<Process>,
}

impl MariaDb {
    /// The server that `VENOMQA_TEST_MYSQL_URL` names, or one of our own with a binary log of full rows.
    pub fn start() -> Self {
        match std::env::var("VENOMQA_TEST_MYSQL_URL") {
            Ok(url) => Self {
                base: super::without_database(&url),
                process: None,
            },
            Err(_) => Self::own(BinaryLog::FullRows, &[]),
        }
    }

    /// A server of our own, with more settings such as `innodb-lock-wait-timeout=2`.
    ///
    /// # Panics
    ///
    /// MariaDB is not installed, or does not start.
    pub fn own(log: BinaryLog, settings: &[&str]) -> Self {
        let folders = [
            "/usr/sbin",
            "/usr/bin",
            "/opt/homebrew/bin",
            "/usr/local/bin",
        ]
        .map(PathBuf::from);
        let program = find("mariadbd", &folders, "mariadb-server");
        let install = find("mariadb-install-db", &folders, "mariadb-server");
        let home = Home::new();
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
        let server = Self {
            base: format!("mysql://root@127.0.0.1:{}", process.port()),
            process: Some(process),
        };
        server.wait_until_ready();
        server
    }

    /// The URL of a database on this server, as root.
    pub fn url(&self, database: &str) -> String {
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
        self.wait_until_ready();
    }

    /// It takes connections before it answers them.
    fn wait_until_ready(&self) {
        let Some(process) = &self.process else { return };
        super::eventually("MariaDB answers", || {
            let mut client = std::process::Command::new("mariadb");
            client.args([
                "--no-defaults",
                "--protocol=tcp",
                "--host=127.0.0.1",
                "--user=root",
                "--execute=SELECT 1",
            ]);
            client
                .arg(format!("--port={}", process.port()))
                .output()
                .is_ok_and(|output| output.status.success())
        });
    }
}
