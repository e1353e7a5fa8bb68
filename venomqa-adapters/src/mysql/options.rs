use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use mysql_async::{Opts, OptsBuilder};

use super::MySqlAdapter;
use super::recover;
use crate::{Error, Result, WaitHook};

/// How [`MySqlAdapter`] reaches a database, follows it and waits.
///
/// ```no_run
/// # async fn connect() -> venomqa_adapters::Result<()> {
/// use venomqa_adapters::{MySqlMode, MySqlOptions};
///
/// let db = MySqlOptions::from_url("mysql://shop@localhost/shop_test")?
///     .mode(MySqlMode::Binlog)
///     .ignore_table("audit")
///     .ignore_column("orders.created_at")
///     .connect()
///     .await?;
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct MySqlOptions {
    pub(super) server: OptsBuilder,
    pub(super) mode: MySqlMode,
    pub(super) ignored: Ignored,
    pub(super) settle: Duration,
    pub(super) lock_wait: Duration,
    pub(super) on_wait: Option<WaitHook>,
    pub(super) remote: bool,
}

/// How a MySQL or MariaDB database goes back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MySqlMode {
    /// By the binary log where the server writes one that has all rows and lets us read it, by full copies elsewhere.
    /// [`About::mechanism`](crate::About::mechanism) says which and why.
    #[default]
    Auto,
    /// By the binary log: each step costs what changed. A server without one is an error.
    Binlog,
    /// By comparing with full copies: each step costs what is stored.
    Copy,
    /// By savepoints in one transaction that never commits, for an application in this process that uses the
    /// [connection of the adapter](MySqlAdapter::connection). Checkpoints are restored in stack order.
    Savepoint,
}

/// What is not part of a state.
#[derive(Clone, Debug, Default)]
pub(super) struct Ignored {
    /// Neither followed nor restored.
    pub(super) tables: BTreeSet<String>,
    /// Followed and restored, but not told: `orders.created_at`.
    pub(super) columns: BTreeSet<String>,
}

impl Default for MySqlOptions {
    fn default() -> Self {
        Self {
            server: OptsBuilder::default(),
            mode: MySqlMode::default(),
            ignored: Ignored::default(),
            settle: Duration::from_secs(5),
            lock_wait: Duration::from_secs(600),
            on_wait: None,
            remote: false,
        }
    }
}

impl MySqlOptions {
    /// The defaults: the server on this machine, and no database yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// The defaults for a URL such as `mysql://user:password@localhost:3306/database`.
    ///
    /// Connections go over TCP, also to `localhost`; with `?socket=/path/to/socket` they go over that socket. With the feature
    /// `tls`, `?require_ssl=true` encrypts them; `&verify_ca=false&verify_identity=false` takes any certificate, unchecked.
    ///
    /// # Errors
    ///
    /// It is no such URL.
    pub fn from_url(url: &str) -> Result<Self> {
        let server = Opts::from_url(url).map_err(|source| Error::Database {
            system: "MySQL".into(),
            doing: "read its URL, which should look like `mysql://user:password@localhost:3306/database`".into(),
            source: source.into(),
        })?;
        let server = OptsBuilder::from_opts(server);
        Ok(Self {
            server,
            ..Self::default()
        })
    }

    /// The host, or the path of a socket.
    #[must_use]
    pub fn host(mut self, host: &str) -> Self {
        let socket = host.starts_with('/').then_some(host);
        self.server = self.server.socket(socket);
        if socket.is_none() {
            self.server = self.server.ip_or_hostname(host);
        }
        self
    }

    /// The port, 3306 unless given.
    #[must_use]
    pub fn port(mut self, port: u16) -> Self {
        self.server = self.server.tcp_port(port);
        self
    }

    /// As whom to connect.
    #[must_use]
    pub fn user(mut self, user: &str) -> Self {
        self.server = self.server.user(Some(user));
        self
    }

    /// The password of that account.
    #[must_use]
    pub fn password(mut self, password: &str) -> Self {
        self.server = self.server.pass(Some(password));
        self
    }

    /// The database to explore.
    #[must_use]
    pub fn database(mut self, database: &str) -> Self {
        self.server = self.server.db_name(Some(database));
        self
    }

    /// How the database goes back.
    #[must_use]
    pub fn mode(mut self, mode: MySqlMode) -> Self {
        self.mode = mode;
        self
    }

    /// Neither follows nor restores nor tells a table.
    #[must_use]
    pub fn ignore_table(mut self, table: &str) -> Self {
        self.ignored.tables.insert(table.into());
        self
    }

    /// Follows and restores a column, named as `table.column`, but does not tell it.
    #[must_use]
    pub fn ignore_column(mut self, column: &str) -> Self {
        self.ignored.columns.insert(column.into());
        self
    }

    /// How long to wait for the application to finish its transactions before a checkpoint and before a rollback, and for the server to
    /// come back; 5 seconds unless given.
    #[must_use]
    pub fn settle(mut self, limit: Duration) -> Self {
        self.settle = limit;
        self
    }

    /// How long to wait for another run that holds the same database, 600 seconds unless given.
    #[must_use]
    pub fn lock_wait(mut self, limit: Duration) -> Self {
        self.lock_wait = limit;
        self
    }

    /// Is told whom a run waits for, once for each holder of the database. Without it, what [`on_wait`](crate::on_wait) was
    /// given is told.
    #[must_use]
    pub fn on_wait(mut self, told: impl Fn(&str) + Send + Sync + 'static) -> Self {
        self.on_wait = Some(Arc::new(told));
        self
    }

    /// Takes a server on another machine too. It is for tests only.
    #[must_use]
    pub fn allow_remote(mut self) -> Self {
        self.remote = true;
        self
    }

    /// Takes hold of the database, and restores it if a run before this one crashed.
    ///
    /// # Errors
    ///
    /// As for [`MySqlAdapter::connect`].
    pub async fn connect(self) -> Result<MySqlAdapter> {
        MySqlAdapter::connect_with(self).await
    }

    /// Restores what a crashed run left and removes what it installed, without starting another.
    ///
    /// # Errors
    ///
    /// As for [`MySqlAdapter::connect`].
    pub async fn cleanup(self) -> Result<()> {
        recover::cleanup(self).await
    }
}

/// Without the password.
impl fmt::Debug for MySqlOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let server = Opts::from(self.server.clone());
        f.debug_struct("MySqlOptions")
            .field("host", &server.socket().unwrap_or(server.ip_or_hostname()))
            .field("port", &server.tcp_port())
            .field("user", &server.user())
            .field("database", &server.db_name())
            .field("mode", &self.mode)
            .field("ignored", &self.ignored)
            .field("settle", &self.settle)
            .field("lock_wait", &self.lock_wait)
            .field("remote", &self.remote)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_never_shown() {
        let url = "mysql://shop:s3cret@localhost:3307/shop_test";
        let options = MySqlOptions::from_url(url).expect("a URL");
        let shown = format!("{options:?} {:?}", MySqlOptions::new().password("s3cret"));
        assert!(
            shown.contains("shop_test") && shown.contains("3307"),
            "{shown}"
        );
        assert!(!shown.contains("s3cret"), "{shown}");
        for wrong in [
            "mysql://shop:s3cret@local host/",
            "s3cret",
            "http://a:s3cret@b/c",
        ] {
            let refused = MySqlOptions::from_url(wrong).expect_err("no such URL");
            assert!(
                refused.to_string().contains("mysql://user:password"),
                "{refused}"
            );
            assert!(!refused.to_string().contains("s3cret"), "{refused}");
        }
    }
}
