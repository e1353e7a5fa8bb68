use std::sync::{Mutex, MutexGuard, PoisonError};

use mysql_async::{Conn, Opts, OptsBuilder};
use tokio::sync::Mutex as AsyncMutex;

use super::checkpoints::Checkpoints;
use super::hold::Hold;
use super::options::{MySqlMode, MySqlOptions};
use super::query;
use super::recover::{self, recover};
use super::savepoint::{MySqlConnection, Shared};
use super::session::Session;
use super::stop::Stop;
use crate::{About, Error, Params, Record, Result};

/// A MySQL or MariaDB database that an API under test holds open and commits to.
///
/// The API is another process, or code in this one, with connections of its own. Its commits are undone without closing
/// them: the adapter follows the server's binary log as a replica does, and feeds the rows that differ back as a server does to its
/// replicas, so that neither triggers nor foreign keys do anything on the way.
///
/// ```no_run
/// use venomqa_adapters::{MySqlAdapter, System};
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> venomqa_adapters::Result<()> {
/// let db = MySqlAdapter::connect("mysql://root@localhost/shop_test").await?;
///
/// let root = db.begin(&mut |_, _| {}).await?;
/// db.execute("INSERT INTO orders(amount) VALUES (?)", [100]).await?;
/// assert_eq!(db.changes().await?[0].to_string(), "orders#1 added: amount 100");
///
/// db.restore(root.checkpoint).await?;
/// assert!(db.query("SELECT * FROM orders", ()).await?.is_empty());
/// db.close().await
/// # }
/// ```
///
/// # What the server must allow
///
/// For [`MySqlMode::Binlog`] it must write a binary log with all columns of all rows, which MySQL 8 does by itself and MariaDB with
/// `--log-bin --binlog-format=ROW --binlog-row-image=FULL`. The account needs some rights of an administrator; an error names
/// those that are missing as a `GRANT`. Tables must be kept by InnoDB.
///
/// # What the API may notice
///
/// For the time of a run there are a database `_venomqa_...` with a copy of the contents and, in the explored one, a table
/// `_venomqa_run`. For a fraction of a millisecond between two steps nobody else can write. Prepared statements and open
/// connections stay as they are.
///
/// # What is not followed
///
/// [`About::gaps`] of [`about`](crate::System::about) has those that apply once a run has begun:
///
/// - Writes that the API keeps out of the binary log (`SET sql_log_bin = 0`) are seen only when the run ends, which puts
///   everything back and fails.
/// - Rows that a foreign key takes along and tables that are emptied by `TRUNCATE` are not in the log either. They are found by
///   comparing the table with a copy, so such a step costs what the table stores.
/// - A change of the schema ends an exploration; closing the run undoes it.
/// - Dates and bytes that SQL put into a column of MySQL's type `JSON` come back as text, and numbers as they are printed.
/// - Tables that the options ignore, accounts and rights, and whatever is in other databases.
///
/// It was run on MariaDB 10.11 and MySQL 9.7, and is written for MySQL 8 as well.
///
/// # After a crash
///
/// What leads back to the contents that [`begin`](crate::System::begin) found lies in that database `_venomqa_...`. If this process dies, the
/// next `connect` to the same database restores them, and undoes with the rest what anybody wrote since;
/// [`cleanup`](Self::cleanup) does just that. A database that was made anew since is left as it is.
#[derive(Debug)]
pub struct MySqlAdapter {
    system: String,
    user_opts: Opts,
    pub(super) state: AsyncMutex<State>,
    pub(super) checkpoints: Mutex<Option<Checkpoints>>,
    /// For statements of the user, whom the server treats as it does the API.
    user: AsyncMutex<Option<Conn>>,
    pub(super) shared: Option<Shared>,
    /// What this system was when that was asked last.
    last_about: Mutex<About>,
}

/// How far a run got.
#[derive(Debug)]
pub(super) enum State {
    Held(Box<Hold>),
    Running(Box<Session>),
    Closed,
}

impl MySqlAdapter {
    /// Takes hold of the database of a URL, which must exist, and restores it if a run before this one crashed.
    ///
    /// Waits for another run that explores the same database.
    ///
    /// # Errors
    ///
    /// The server is on another machine or the database looks like production, another run does not end, rights are missing, or
    /// the contents from before a crash cannot be restored.
    pub async fn connect(url: &str) -> Result<Self> {
        MySqlOptions::from_url(url)?.connect().await
    }

    /// Restores what a crashed run left and removes what it installed, without starting another.
    ///
    /// # Errors
    ///
    /// As for [`connect`](Self::connect).
    pub async fn cleanup(url: &str) -> Result<()> {
        recover::cleanup(MySqlOptions::from_url(url)?).await
    }

    pub(super) async fn connect_with(options: MySqlOptions) -> Result<Self> {
        let hold = Hold::take(options.clone()).await?;
        let mut hold = recover(hold).await?;
        if let Err(stop) = hold.side.create(&mut hold.link).await {
            return Err(hold.error(stop, "make a database beside it").await);
        }
        let user_opts = OptsBuilder::from_opts(hold.opts.clone())
            .init(vec!["SET NAMES utf8mb4, time_zone = '+00:00'"]);
        let user_opts = Opts::from(user_opts);
        let shared = match options.mode {
            MySqlMode::Savepoint => Some(Shared::new(hold.plain(&user_opts).await?)),
            _ => None,
        };
        let about = About {
            name: hold.system.clone(),
            mechanism: "chosen when the run begins".into(),
            gaps: Vec::new(),
            sees_foreign_commits: true,
        };
        Ok(Self {
            system: hold.system.clone(),
            user_opts,
            state: AsyncMutex::new(State::Held(Box::new(hold))),
            checkpoints: Mutex::new(None),
            user: AsyncMutex::new(None),
            shared,
            last_about: Mutex::new(about),
        })
    }

    /// The connection that an application in this process shares with the adapter, in [`MySqlMode::Savepoint`] only. Whoever asks
    /// for it while it is lent waits.
    ///
    /// # Errors
    ///
    /// The adapter is in another mode, in which the application has connections of its own.
    pub async fn connection(&self) -> Result<MySqlConnection> {
        let Some(shared) = &self.shared else {
            return Err(self.failed(
                "lend its connection",
                "only `MySqlMode::Savepoint` shares one",
            ));
        };
        let lent = shared.lend().await;
        lent.ok_or_else(|| self.failed("lend its connection", "it was lost"))
    }

    /// The rows that a query returns, read through a connection of its own. Points in time are in UTC.
    ///
    /// # Errors
    ///
    /// The server refuses the statement, or cannot be reached.
    pub async fn query(&self, sql: &str, params: impl Params) -> Result<Vec<Record>> {
        let params = params.into_values();
        let records = match &self.shared {
            Some(_) => query::query(&mut *self.connection().await?, sql, params).await,
            None => {
                let mut user = self.user.lock().await;
                let mut conn = self.user_connection(user.take()).await?;
                let records = query::query(&mut conn, sql, params).await;
                *user = Some(conn);
                records
            }
        };
        records.map_err(|source| self.refused(sql, source))
    }

    /// Runs a statement, or several without parameters, and returns how many rows the last one changed. What it writes counts
    /// as a change, as if the API had written it.
    ///
    /// # Errors
    ///
    /// The server refuses the statement, or cannot be reached.
    pub async fn execute(&self, sql: &str, params: impl Params) -> Result<usize> {
        let params = params.into_values();
        let changed = match &self.shared {
            Some(_) => query::execute(&mut *self.connection().await?, sql, params).await,
            None => {
                let mut user = self.user.lock().await;
                let mut conn = self.user_connection(user.take()).await?;
                let changed = query::execute(&mut conn, sql, params).await;
                *user = Some(conn);
                changed
            }
        };
        changed.map_err(|source| self.refused(sql, source))
    }

    /// The connection that was used last, unless it is of no more use.
    async fn user_connection(&self, last: Option<Conn>) -> Result<Conn> {
        if let Some(mut conn) = last
            && mysql_async::prelude::Queryable::ping(&mut conn)
                .await
                .is_ok()
        {
            return Ok(conn);
        }
        let conn = Conn::new(self.user_opts.clone()).await;
        conn.map_err(|source| self.refused("", source))
    }

    fn refused(&self, sql: &str, source: mysql_async::Error) -> Error {
        let doing = match sql {
            "" => "connect".into(),
            sql => format!("run `{sql}`"),
        };
        Stop::Sql(source).into_error(&self.system, &doing)
    }

    pub(super) fn failed(&self, doing: &str, why: &str) -> Error {
        Error::Database {
            system: self.system.clone(),
            doing: doing.into(),
            source: why.into(),
        }
    }

    pub(super) fn checkpoints(&self) -> MutexGuard<'_, Option<Checkpoints>> {
        self.checkpoints
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn last_about(&self) -> MutexGuard<'_, About> {
        self.last_about
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Closes the connections of the user.
    pub(super) async fn hang_up(&self) {
        if let Some(conn) = self.user.lock().await.take() {
            // The server notices either way.
            let _ = conn.disconnect().await;
        }
    }
}
