use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use rusqlite::Connection;

use super::location::Location;
use super::options::SqliteOptions;
use super::precheck::refuse_production;
use super::query;
use super::recover::recover;
use super::session::Session;
use super::stop::Stop;
use crate::database::exclusive::Queue;
use crate::database::lock::RunLock;
use crate::database::patience::Patience;
use crate::database::told::Told;
use crate::{About, Error, Params, Record, Result};

/// A SQLite database that an API under test holds open and commits to.
///
/// The API is another process, or code in this one, with connections of its own in any journal mode. Its commits are undone
/// without closing them: triggers write the rows that change into a log, from which any checkpoint is reached by writing
/// just the rows that differ.
///
/// ```
/// use venomqa_adapters::{SqliteAdapter, System};
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> venomqa_adapters::Result<()> {
/// let db = SqliteAdapter::in_memory()?;
/// db.execute("CREATE TABLE orders(id INTEGER PRIMARY KEY, amount INT)", ()).await?;
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
/// # What the API may notice
///
/// For the time of a run there are tables and triggers of ours, all named `_venomqa_...`, and `total_changes()` counts
/// what they write. A transaction of ours is open for a fraction of a millisecond between two steps, so an API that writes on its own
/// account at that moment needs a busy timeout, as it does beside any other writer. Prepared statements and open
/// connections stay as they are.
///
/// # What is not followed
///
/// [`About::gaps`] of [`about`](crate::System::about) has those that apply once a run has begun:
///
/// - Writes that fire no trigger, such as incremental writes into blobs, while the journal follows.
/// - A TEMP trigger of the API that rewrites the row just inserted, while the journal follows: it runs before ours, so the row
///   counts as one that was there before. [`SqliteMode::Backup`](super::SqliteMode::Backup) is not deceived; otherwise `close` notices both, puts
///   everything back and fails, except in [`SqliteMode::Journal`](super::SqliteMode::Journal), which has no copy to compare with.
/// - What full-text indexes without contents (`content=''`) index: it is restored, but two states that differ only there are taken for one.
/// - What `ANALYZE` gathers, attached databases, and the tables that the options ignore.
///
/// # After a crash
///
/// What leads back to the contents that [`begin`](crate::System::begin) found lies in the database itself, and for changes of the schema in a copy
/// beside it. If this process dies, the next `open` of the same path restores them, and undoes with the rest what
/// anybody wrote since. This holds for a crash of the process; after one of the operating system SQLite's file may be damaged.
#[derive(Debug)]
pub struct SqliteAdapter {
    pub(super) location: Location,
    pub(super) options: SqliteOptions,
    pub(super) told: Told,
    lock: Mutex<Option<RunLock>>,
    /// For statements of the user: triggers run, so what it writes is followed.
    user: Mutex<Option<Connection>>,
    session: Mutex<Option<Session>>,
    /// What this system was when it was closed, for reports that come after.
    last_about: Mutex<About>,
    closed: AtomicBool,
}

impl SqliteAdapter {
    /// Takes hold of the database at a path, which the API under test may yet have to create, and restores it if a run before
    /// this one crashed.
    ///
    /// Waits for another run that explores the same file; waiting takes a tokio runtime with its timer.
    ///
    /// # Errors
    ///
    /// The path looks like production, another run does not end, or the contents from before a crash cannot be restored.
    pub async fn open(path: impl AsRef<Path>) -> Result<Self> {
        Self::open_with(path, SqliteOptions::default()).await
    }

    /// As [`open`](Self::open), with options.
    ///
    /// # Errors
    ///
    /// As for [`open`](Self::open).
    pub async fn open_with(path: impl AsRef<Path>, options: SqliteOptions) -> Result<Self> {
        let path = path.as_ref();
        let name = format!("SQLite file {}", path.display());
        let location = Location::file(path).map_err(|error| Error::Database {
            system: name.clone(),
            doing: "find it".into(),
            source: error.into(),
        })?;
        refuse_production(&name, path)?;
        refuse_production(&name, &location.target)?;
        let lock = match &location.lock {
            Some(lock) => {
                let queue = Queue::new(&name, options.lock_wait, options.on_wait.as_ref());
                Some(RunLock::acquire(&name, lock, queue).await?)
            }
            None => None,
        };
        let adapter = Self::new(location, options, lock, None);
        let recovered = adapter
            .retry("restore what a run before left", || {
                recover(&adapter.location)
            })
            .await;
        if let Err(error) = recovered {
            adapter.unlock()?;
            return Err(error);
        }
        Ok(adapter)
    }

    /// Restores the database at a path if a run before this one crashed, and removes what it left, without starting a run.
    ///
    /// # Errors
    ///
    /// As for [`open`](Self::open).
    pub async fn cleanup(path: impl AsRef<Path>) -> Result<()> {
        Self::open(path).await?.unlock()
    }

    /// A new database in memory, for an API that runs in this process.
    ///
    /// The API opens it as often as it likes by its [`uri`](Self::uri). It is gone once this adapter is closed and the last
    /// connection too.
    ///
    /// # Errors
    ///
    /// SQLite cannot open it.
    pub fn in_memory() -> Result<Self> {
        Self::in_memory_with(SqliteOptions::default())
    }

    /// As [`in_memory`](Self::in_memory), with options.
    ///
    /// # Errors
    ///
    /// As for [`in_memory`](Self::in_memory).
    pub fn in_memory_with(options: SqliteOptions) -> Result<Self> {
        let location = Location::memory();
        let user = connect_user(&location, &options)?;
        Ok(Self::new(location, options, None, Some(user)))
    }

    fn new(
        location: Location,
        options: SqliteOptions,
        lock: Option<RunLock>,
        user: Option<Connection>,
    ) -> Self {
        let about = About {
            name: location.name.clone(),
            mechanism: "chosen when the run begins".into(),
            gaps: Vec::new(),
            sees_foreign_commits: true,
        };
        Self {
            last_about: Mutex::new(about),
            closed: AtomicBool::new(false),
            location,
            told: Told::without(&options.ignored_columns),
            options,
            lock: Mutex::new(lock),
            user: Mutex::new(user),
            session: Mutex::new(None),
        }
    }

    /// What SQLite opens to reach this database: a path, or for one in memory a URI such as `file:/name?vfs=memdb`.
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let db = venomqa_adapters::SqliteAdapter::in_memory()?;
    /// let api = rusqlite::Connection::open(db.uri())?;
    /// api.execute_batch("CREATE TABLE orders(id INTEGER PRIMARY KEY)")?;
    /// # Ok(()) }
    /// ```
    pub fn uri(&self) -> &Path {
        &self.location.target
    }

    /// The rows that a query returns, read through a connection of its own.
    ///
    /// # Errors
    ///
    /// SQLite refuses the statement, or the database stays locked.
    pub async fn query(&self, sql: &str, params: impl Params) -> Result<Vec<Record>> {
        self.as_user(sql, |db| query::query(db, sql, &params.into_values()))
    }

    /// Runs a statement, or several without parameters, and returns how many rows the last one changed. What it writes counts
    /// as a change, as if the API had written it.
    ///
    /// # Errors
    ///
    /// SQLite refuses the statement, or the database stays locked.
    pub async fn execute(&self, sql: &str, params: impl Params) -> Result<usize> {
        self.as_user(sql, |db| query::execute(db, sql, &params.into_values()))
    }

    fn as_user<T>(
        &self,
        sql: &str,
        run: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> Result<T> {
        let mut user = self.user.lock().unwrap_or_else(PoisonError::into_inner);
        if user.is_none() {
            *user = Some(connect_user(&self.location, &self.options)?);
        }
        let outcome = user.as_ref().map(run).transpose();
        match outcome {
            Ok(Some(value)) => Ok(value),
            Ok(None) => unreachable!("connected above"),
            Err(error) => Err(Error::Database {
                system: self.location.name.clone(),
                doing: format!("run `{sql}`"),
                source: error.into(),
            }),
        }
    }

    pub(super) fn session(&self) -> MutexGuard<'_, Option<Session>> {
        // A panic inside leaves at most an open transaction, which the next attempt rolls back.
        self.session.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn last_about(&self) -> MutexGuard<'_, About> {
        self.last_about
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// A run begins once, and not without the lock that `close` gives away.
    pub(super) fn expect_unused(&self) -> Result<()> {
        let why = match self.closed.load(Ordering::Relaxed) {
            true => "it was closed",
            false if self.session().is_some() => "a run has begun already",
            false => return Ok(()),
        };
        Err(Error::Database {
            system: self.location.name.clone(),
            doing: "begin".into(),
            source: why.into(),
        })
    }

    /// Attempts something between `begin` and `close` until nobody is in the way.
    pub(super) async fn when_quiet<T>(
        &self,
        doing: &str,
        mut attempt: impl FnMut(&mut Session) -> Result<T, Stop>,
    ) -> Result<T> {
        self.retry(doing, || {
            let mut session = self.session();
            let session = session.as_mut().ok_or_else(|| self.not_begun(doing))?;
            session.live.unlock();
            let outcome = attempt(session);
            session.live.unlock();
            outcome
        })
        .await
    }

    fn not_begun(&self, doing: &str) -> Error {
        Error::Database {
            system: self.location.name.clone(),
            doing: doing.into(),
            source: "no run has begun, or it was closed".into(),
        }
    }

    /// Attempts something until nobody is in the way, up to the limit.
    pub(super) async fn retry<T>(
        &self,
        doing: &str,
        mut attempt: impl FnMut() -> Result<T, Stop>,
    ) -> Result<T> {
        let mut patience = Patience::new(self.options.settle);
        loop {
            match attempt() {
                Ok(value) => return Ok(value),
                Err(stop) if stop.is_passing() && patience.lasts().await => {}
                Err(stop) => return Err(stop.into_error(&self.location, doing)),
            }
        }
    }

    /// Closes all connections and lets others explore the database.
    pub(super) fn unlock(&self) -> Result<()> {
        self.closed.store(true, Ordering::Relaxed);
        *self.session() = None;
        *self.user.lock().unwrap_or_else(PoisonError::into_inner) = None;
        let lock = self
            .lock
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        lock.map_or(Ok(()), RunLock::release)
            .map_err(|error| Error::Database {
                system: self.location.name.clone(),
                doing: "release its lock".into(),
                source: error.into(),
            })
    }
}

fn connect_user(location: &Location, options: &SqliteOptions) -> Result<Connection> {
    let connect = || {
        let db = location.connect()?;
        db.busy_timeout(options.settle)?;
        Ok(db)
    };
    connect().map_err(|error: rusqlite::Error| Error::Database {
        system: location.name.clone(),
        doing: "open it".into(),
        source: error.into(),
    })
}
