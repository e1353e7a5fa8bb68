use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use sqlx::postgres::PgConnectOptions;

use super::PostgresAdapter;
use super::location::Location;
use super::recover;
use crate::{Error, Result, WaitHook};

/// How [`PostgresAdapter`] connects, follows and waits.
///
/// ```no_run
/// use std::time::Duration;
/// use venomqa_adapters::PostgresOptions;
///
/// # async fn check() -> venomqa_adapters::Result<()> {
/// let db = PostgresOptions::from_url("postgres://app@localhost/orders")?
///     .ignore_table("audit")
///     .ignore_column("orders.created_at")
///     .settle(Duration::from_secs(2))
///     .connect()
///     .await?;
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct PostgresOptions {
    pub(super) server: PgConnectOptions,
    pub(super) mode: PostgresMode,
    pub(super) schema: Option<String>,
    pub(super) ignored_tables: Vec<String>,
    pub(super) ignored_columns: Vec<String>,
    pub(super) settle: Duration,
    pub(super) lock_timeout: Duration,
    pub(super) lock_wait: Duration,
    pub(super) on_wait: Option<WaitHook>,
    pub(super) allow_remote: bool,
    pub(super) terminate_connections: bool,
}

/// How a PostgreSQL database goes back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PostgresMode {
    /// By a journal that triggers write: jumps from any checkpoint to any other, while the application keeps its connections and
    /// commits.
    #[default]
    Journal,
    /// By savepoints of one transaction that never commits, for an application in this process that uses
    /// [the adapter's connection](PostgresAdapter::connection).
    ///
    /// Checkpoints are a stack: going back to one lets go of those sealed after it.
    Savepoint,
    /// By a copy of the whole database for each checkpoint. Undoes changes of the schema and all else, but each step costs what is
    /// stored, and nobody else may be connected while a copy is made.
    Template,
}

impl Default for PostgresOptions {
    fn default() -> Self {
        Self::to(PgConnectOptions::new())
    }
}

impl PostgresOptions {
    /// The server and database that `PGHOST`, `PGPORT`, `PGUSER`, `PGPASSWORD` and `PGDATABASE` name, or the server that `psql` would
    /// choose without them.
    pub fn new() -> Self {
        Self::default()
    }

    /// The server and database of a URL such as `postgres://user:password@localhost:5432/orders?sslmode=require`.
    ///
    /// # Errors
    ///
    /// It is not such a URL, or sets what is not known: what the driver does not know it passes over, `sslmod=require` too.
    pub fn from_url(url: &str) -> Result<Self> {
        expect_known(url)?;
        match url.parse() {
            Ok(server) => Ok(Self::to(server)),
            // Without the URL, which may hold a password.
            Err(source) => Err(Error::Database {
                system: "PostgreSQL".into(),
                doing: "read its URL".into(),
                source: sqlx::Error::into(source),
            }),
        }
    }

    fn to(server: PgConnectOptions) -> Self {
        Self {
            server,
            mode: PostgresMode::default(),
            schema: None,
            ignored_tables: Vec::new(),
            ignored_columns: Vec::new(),
            settle: Duration::from_secs(5),
            lock_timeout: Duration::from_millis(500),
            lock_wait: Duration::from_secs(600),
            on_wait: None,
            allow_remote: false,
            terminate_connections: false,
        }
    }

    /// The name or address of the server, or the folder of its socket.
    pub fn host(mut self, host: &str) -> Self {
        self.server = self.server.host(host);
        self
    }

    /// The port of the server.
    pub fn port(mut self, port: u16) -> Self {
        self.server = self.server.port(port);
        self
    }

    /// As whom to connect.
    pub fn user(mut self, user: &str) -> Self {
        self.server = self.server.username(user);
        self
    }

    /// The password, which no message shows.
    pub fn password(mut self, password: &str) -> Self {
        self.server = self.server.password(password);
        self
    }

    /// The database to explore.
    pub fn database(mut self, database: &str) -> Self {
        self.server = self.server.database(database);
        self
    }

    /// How the database goes back.
    pub fn mode(mut self, mode: PostgresMode) -> Self {
        self.mode = mode;
        self
    }

    /// The only schema that is followed, restored and told. Without this, all are that are not PostgreSQL's own.
    pub fn schema(mut self, schema: &str) -> Self {
        self.schema = Some(schema.into());
        self
    }

    /// A table that is neither followed, nor restored, nor part of a state: `audit`, or `billing.audit` in another schema.
    pub fn ignore_table(mut self, table: &str) -> Self {
        self.ignored_tables.push(table.into());
        self
    }

    /// A column that is followed and restored, but not part of a state: `orders.created_at`.
    pub fn ignore_column(mut self, column: &str) -> Self {
        self.ignored_columns.push(column.into());
        self
    }

    /// How long to wait for the application to finish its transactions, before a checkpoint and before a rollback, and for a shared
    /// connection. 5 seconds unless told.
    pub fn settle(mut self, limit: Duration) -> Self {
        self.settle = limit;
        self
    }

    /// How long one statement waits for a lock before it gives way and is tried again, up to the limit of
    /// [`settle`](Self::settle).
    ///
    /// Half a second unless told: less than PostgreSQL takes to end a deadlock, so that it never ends the application's side of one.
    pub fn lock_timeout(mut self, limit: Duration) -> Self {
        self.lock_timeout = limit;
        self
    }

    /// How long to wait for another run that explores the same database. 10 minutes unless told.
    pub fn lock_wait(mut self, limit: Duration) -> Self {
        self.lock_wait = limit;
        self
    }

    /// A function that is told whom the run waits for, once for each holder of the database, instead of what
    /// [`on_wait`](crate::on_wait) was given.
    pub fn on_wait(mut self, told: impl Fn(&str) + Send + Sync + 'static) -> Self {
        self.on_wait = Some(Arc::new(told));
        self
    }

    /// Allows a server that is not on this machine.
    pub fn allow_remote(mut self) -> Self {
        self.allow_remote = true;
        self
    }

    /// Allows to end connections of the application in [`PostgresMode::Template`], where a copy cannot be made beside them. It has to connect
    /// again on its own, as pools do.
    pub fn terminate_connections(mut self) -> Self {
        self.terminate_connections = true;
        self
    }

    /// Takes hold of the database, and restores it if a run before this one crashed.
    ///
    /// Waits for another run that explores the same database.
    ///
    /// # Errors
    ///
    /// The server is on another machine or its database looks like production, nobody answers, another run does not end, or the
    /// contents from before a crash cannot be restored.
    pub async fn connect(self) -> Result<PostgresAdapter> {
        PostgresAdapter::take_hold(self).await
    }

    /// Restores and removes what a run that crashed left, without starting another.
    ///
    /// Waits for a run that explores the database, as [`connect`](Self::connect) does. Where nothing is left, does nothing.
    ///
    /// # Errors
    ///
    /// As for [`connect`](Self::connect).
    pub async fn cleanup(self) -> Result<()> {
        recover::cleanup(&Location::new(self)?).await
    }
}

impl fmt::Debug for PostgresOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresOptions")
            .field("host", &self.server.get_host())
            .field("port", &self.server.get_port())
            .field("user", &self.server.get_username())
            .field("database", &self.server.get_database())
            .field("mode", &self.mode)
            .field("schema", &self.schema)
            .field("ignored_tables", &self.ignored_tables)
            .field("ignored_columns", &self.ignored_columns)
            .field("settle", &self.settle)
            .field("lock_timeout", &self.lock_timeout)
            .field("lock_wait", &self.lock_wait)
            .field("allow_remote", &self.allow_remote)
            .field("terminate_connections", &self.terminate_connections)
            .finish_non_exhaustive()
    }
}

/// What a URL may set besides the server and the database.
const SETTINGS: [&str; 18] = [
    "application_name",
    "dbname",
    "host",
    "hostaddr",
    "options",
    "password",
    "port",
    "ssl-ca",
    "ssl-cert",
    "ssl-key",
    "ssl-mode",
    "ssl-root-cert",
    "sslcert",
    "sslkey",
    "sslmode",
    "sslrootcert",
    "statement-cache-capacity",
    "user",
];

fn expect_known(url: &str) -> Result<()> {
    let refused = |why: String, remedy: &str| {
        Err(Error::Refused {
            system: "PostgreSQL".into(),
            why,
            remedy: remedy.into(),
        })
    };
    let schemes = ["postgres://", "postgresql://"];
    let Some(rest) = schemes.iter().find_map(|scheme| url.strip_prefix(scheme)) else {
        return refused(
            "its URL does not begin with `postgres://`".into(),
            "write it as `postgres://user:password@localhost:5432/orders`",
        );
    };
    let query = rest.split_once('?').map_or("", |(_, query)| query);
    for setting in query.split('&').filter(|setting| !setting.is_empty()) {
        let name = setting.split('=').next().unwrap_or_default();
        let is_option = name.starts_with("options[") || name.starts_with("options%5B");
        if SETTINGS.contains(&name) || is_option {
            continue;
        }
        // What is not a name may be the rest of a password with a question mark.
        let is_name = name
            .chars()
            .all(|letter| letter.is_ascii_lowercase() || "-_".contains(letter));
        let shown = if is_name {
            format!("`{name}`")
        } else {
            "something".into()
        };
        return refused(
            format!("its URL sets {shown}, which is not known"),
            "see its spelling; how the database is followed is set by methods of `PostgresOptions`",
        );
    }
    Ok(())
}
