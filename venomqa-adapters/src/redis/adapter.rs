use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use redis::{Cmd, FromRedisValue, ToRedisArgs, cmd};
use tokio::sync::Mutex as AsyncMutex;

use super::link::Link;
use super::location::{Location, port_behind_socket};
use super::options::RedisOptions;
use super::precheck::{Mechanism, Server, inspect, refuse_unsafe};
use super::query::UserLink;
use super::recover::recover;
use super::session::Session;
use super::stop::Stop;
use super::tree::Tree;
use crate::database::exclusive::Queue;
use crate::database::lock::RunLock;
use crate::database::patience::Patience;
use crate::database::told::Told;
use crate::{About, Error, Result};

/// Databases of a Redis server that an API under test writes to.
///
/// The API is another process with connections of its own. What it writes is undone without closing them: the server tells which keys
/// change, and from their dumps any checkpoint is reached by writing just the keys that differ.
///
/// ```no_run
/// use venomqa_adapters::{RedisAdapter, System};
/// # async fn check() -> venomqa_adapters::Result<()> {
/// let cache = RedisAdapter::connect("redis://127.0.0.1:6379/3").await?;
/// let root = cache.begin(&mut |_, _| {}).await?;
///
/// cache.set("stock:apple", 5).await?;
/// let sold: i64 = cache.command(("DECRBY", "stock:apple", 2)).await?;
/// assert_eq!(sold, 3);
/// assert_eq!(
///     cache.changes().await?[0].to_string(),
///     "db3#stock:apple added: type string, value 3, expires NULL"
/// );
///
/// cache.restore(root.checkpoint).await?;
/// assert_eq!(cache.get::<i64>("stock:apple").await?, None);
/// cache.close().await
/// # }
/// ```
///
/// # Keys as rows
///
/// Each database is a table, `db3`, with the columns `key`, `type`, `value` and `expires`. A value is told in full and in a form that does
/// not depend on how the server keeps it: a string as it is, a hash as `{"field": "value"}` in the order of the fields, a list as
/// `["first", "second"]`, a set as `{"a", "b"}`, a sorted set as `{"member": 1.5}` in its order, a stream as its entries, its counters and
/// its groups. Strings that are not UTF-8 are bytes.
///
/// # Keys that expire
///
/// Time stands still between the steps: a restored key has as much time left as it had when it was written, give or take a millisecond.
/// That holds exactly for the keys on the way and for up to 32 others; beyond that a key's time may run down by a 64th of it, and by a
/// second at most, before it is set again. `expires` tells the time rounded up to a span that people choose (`within 1 h`), so that
/// states do not differ by how long a request took. A key that expires by itself is a change like any other.
///
/// # What is not followed
///
/// [`About::gaps`] of [`about`](crate::System::about) has those that apply:
///
/// - Scripts and functions that are loaded, and messages that are published.
/// - With [`RedisMode::Dump`](super::RedisMode::Dump), writes that arrive while all keys are read.
/// - The idle time of keys, how often they are used, and when entries of streams were delivered.
/// - The keys and fields that the options ignore.
///
/// Where a client waits for a key (`BLPOP` and its like), it takes what is put back as soon as it is there. That is noticed and
/// ends the exploration.
///
/// # After a crash
///
/// The keys from before a run lie in a file of this machine until the run ends (see [`RedisOptions::state_folder`]), because what is in
/// Redis an application may empty. If this process dies, the next `connect` puts them back, and undoes with the rest what anybody wrote
/// since. If the server was started again in between and holds other keys, it refuses and says how to go on: what it holds may
/// have nothing to do with that run.
#[derive(Debug)]
pub struct RedisAdapter {
    pub(super) options: RedisOptions,
    pub(super) location: Location,
    pub(super) server: Server,
    pub(super) told: Told,
    /// One for each database; empty once closed.
    locks: Mutex<Vec<RunLock>>,
    users: BTreeMap<u32, AsyncMutex<UserLink>>,
    pub(super) session: AsyncMutex<Option<Session>>,
    tree: Mutex<Option<Tree>>,
    about: Mutex<About>,
}

impl RedisAdapter {
    /// Takes hold of the database of a URL, such as `redis://127.0.0.1:6379/3`, and restores it if a run before this one crashed.
    ///
    /// Waits for another run that explores it. [`RedisOptions`] has what can be chosen.
    ///
    /// # Errors
    ///
    /// The server is on another machine, looks like production, does not answer, or does not grant what it takes; another run does not
    /// end; the keys from before a crash cannot be restored.
    pub async fn connect(url: &str) -> Result<Self> {
        RedisOptions::from_url(url)?.connect().await
    }

    /// Restores the database of a URL if a run crashed, removes what it left, and starts none. [`RedisOptions::cleanup`] does it for
    /// several.
    ///
    /// # Errors
    ///
    /// As for [`connect`](Self::connect).
    pub async fn cleanup(url: &str) -> Result<()> {
        RedisOptions::from_url(url)?.cleanup().await
    }

    pub(super) async fn cleanup_with(options: RedisOptions) -> Result<()> {
        Self::connect_with(options).await?.unlock()
    }

    pub(super) async fn connect_with(options: RedisOptions) -> Result<Self> {
        refuse_unsafe(&options)?;
        let location = Location::find(&options, port_behind_socket(&options).await?)?;
        let mut users = BTreeMap::new();
        for &database in &options.databases {
            users.insert(
                database,
                AsyncMutex::new(UserLink::new(&options, database)?),
            );
        }
        let mut locks = Vec::new();
        // In ascending order, so that no two runs wait for each other.
        for &database in &options.databases {
            let system = options.system();
            let queue = Queue::new(&system, options.lock_wait, options.on_wait.as_ref());
            let lock = RunLock::acquire(&system, &location.lock(database), queue).await;
            match lock {
                Ok(lock) => locks.push(lock),
                Err(error) => {
                    release(&options, locks)?;
                    return Err(error);
                }
            }
        }
        match prepare(&options, &location).await {
            Ok(server) => {
                let about = Mutex::new(about(&options, &server, Vec::new()));
                Ok(Self {
                    told: Told::without(&options.ignored_columns),
                    options,
                    location,
                    server,
                    locks: Mutex::new(locks),
                    users,
                    session: AsyncMutex::new(None),
                    tree: Mutex::new(None),
                    about,
                })
            }
            Err(error) => {
                release(&options, locks)?;
                Err(error)
            }
        }
    }

    /// The value of a string key, or `None` where there is none, read through a connection of its own.
    ///
    /// It is converted by the rules of the `redis` crate: `get::<String>`, `get::<i64>`, `get::<Vec<u8>>` and so on.
    ///
    /// # Errors
    ///
    /// The key is of another type, or the value does not convert.
    pub async fn get<T: FromRedisValue>(&self, key: impl ToRedisArgs) -> Result<Option<T>> {
        self.run(cmd("GET").arg(key)).await
    }

    /// Sets a string key, as if the API had written it.
    ///
    /// # Errors
    ///
    /// The server refuses it.
    pub async fn set(&self, key: impl ToRedisArgs, value: impl ToRedisArgs) -> Result<()> {
        self.run(cmd("SET").arg(key).arg(value)).await
    }

    /// Removes all keys of the databases that take part, and of no others.
    ///
    /// # Errors
    ///
    /// The server refuses it.
    pub async fn flush(&self) -> Result<()> {
        for user in self.users.values() {
            user.lock().await.run::<()>(&cmd("FLUSHDB")).await?;
        }
        Ok(())
    }

    /// Runs a command and converts its answer: `command::<i64>(&["SCARD", "orders"])`, or `command::<()>(("SET", "count", 5))`.
    ///
    /// What it writes counts as a change, as if the API had written it. Where several databases take part it runs in the lowest;
    /// [`command_in`](Self::command_in) names another.
    ///
    /// # Errors
    ///
    /// The server refuses it, or the answer does not convert; commands that would change the connection (`SELECT`, `MULTI`, `SUBSCRIBE`),
    /// the server (`SHUTDOWN`, `REPLICAOF`) or databases that do not take part (`FLUSHALL`, `SWAPDB`, `MOVE`) are not run. Scripts are not
    /// looked into: what one does in a database that it selects itself, and that does not take part, is not undone.
    pub async fn command<T: FromRedisValue>(&self, command: impl ToRedisArgs) -> Result<T> {
        let mut whole = Cmd::new();
        self.run(whole.arg(command)).await
    }

    /// As [`command`](Self::command), in one of the databases that take part.
    ///
    /// # Errors
    ///
    /// As for [`command`](Self::command), and where the database does not take part.
    pub async fn command_in<T: FromRedisValue>(
        &self,
        database: u32,
        command: impl ToRedisArgs,
    ) -> Result<T> {
        let Some(user) = self.users.get(&database) else {
            return Err(Error::Refused {
                system: self.options.system(),
                why: format!("database {database} does not take part"),
                remedy: "name it in `RedisOptions::databases`".into(),
            });
        };
        let mut whole = Cmd::new();
        user.lock().await.run(whole.arg(command)).await
    }

    async fn run<T: FromRedisValue>(&self, command: &Cmd) -> Result<T> {
        let mut users = self.users.values();
        let lowest = users
            .next()
            .expect("without a database it refuses to connect");
        lowest.lock().await.run(command).await
    }

    pub(super) fn tree(&self) -> MutexGuard<'_, Option<Tree>> {
        self.tree.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn last_about(&self) -> MutexGuard<'_, About> {
        self.about.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes who waits for keys, now that it is known.
    pub(super) fn tell_about(&self, waiting: Vec<String>) {
        *self.last_about() = about(&self.options, &self.server, waiting);
    }

    /// A run begins once, and not without the locks that `close` gives away.
    pub(super) fn expect_unused(&self, session: Option<&Session>) -> Result<()> {
        let closed = self
            .locks
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .is_empty();
        let why = match (session, closed) {
            (None, true) => "it was closed",
            (Some(_), _) => "a run has begun already",
            (None, false) => return Ok(()),
        };
        Err(self.cannot("begin", why))
    }

    pub(super) fn not_begun(&self, doing: &str) -> Error {
        self.cannot(doing, "no run has begun, or it was closed")
    }

    fn cannot(&self, doing: &str, why: &str) -> Error {
        Error::Database {
            system: self.options.system(),
            doing: doing.into(),
            source: why.into(),
        }
    }

    /// Lets others explore the databases.
    pub(super) fn unlock(&self) -> Result<()> {
        *self.tree() = None;
        let mut locks = self.locks.lock().unwrap_or_else(PoisonError::into_inner);
        release(&self.options, std::mem::take(&mut *locks))
    }
}

/// Looks at the server, and ends a run that did not end itself.
async fn prepare(options: &RedisOptions, location: &Location) -> Result<Server> {
    let failed = |stop: Stop, doing: &str| stop.into_error(&options.system(), doing);
    let mut link = Link::new(options, false).map_err(|stop| failed(stop, "connect"))?;
    let mut patience = Patience::new(options.settle);
    loop {
        let prepared = async {
            let server = inspect(&mut link, options)
                .await
                .map_err(|stop| (stop, "connect"))?;
            let recovered = recover(&mut link, options, location, &server).await;
            recovered.map_err(|stop| (stop, "restore what a run before left"))?;
            Ok(server)
        };
        match prepared.await {
            Ok(server) => return Ok(server),
            // A server that is not there is told at once.
            Err((Stop::Busy(_), _)) if patience.lasts().await => {}
            Err((stop, doing)) => return Err(failed(stop, doing)),
        }
    }
}

fn release(options: &RedisOptions, locks: Vec<RunLock>) -> Result<()> {
    let mut released = Ok(());
    for lock in locks {
        released = released.and(lock.release());
    }
    released.map_err(|error| Error::Database {
        system: options.system(),
        doing: "release its lock".into(),
        source: error.into(),
    })
}

fn about(options: &RedisOptions, server: &Server, waiting: Vec<String>) -> About {
    let (mechanism, cost) = match server.mechanism {
        Mechanism::Tracking => ("client tracking and dumps of the keys that changed", None),
        Mechanism::Dump => (
            "dumps of all keys",
            Some(
                "Each step costs what is stored, not what changes, and a write that arrives while all keys are read is seen in part.",
            ),
        ),
    };
    let because = server.because.as_ref();
    let mechanism = because.map_or(mechanism.into(), |why| format!("{mechanism}, {why}"));
    let mut gaps: Vec<String> = cost.into_iter().map(str::to_owned).collect();
    gaps.push(
        "Scripts and functions that are loaded, and messages that are published, are not undone."
            .into(),
    );
    gaps.push(
        "States do not differ by how long a key has left to live, only by the span that it falls into (`within 1 h`)."
            .into(),
    );
    gaps.extend(server.gaps.iter().cloned());
    if options.remote_allowed {
        gaps.push("A run on another machine is not kept out.".into());
    }
    if !waiting.is_empty() {
        gaps.push(format!(
            "Clients wait for keys and take what is put back as soon as it is there: {}.",
            waiting.join("; ")
        ));
    }
    let ignored = &options.ignored;
    if !ignored.keys.is_empty() {
        gaps.push(format!("Ignored keys: {}.", ignored.keys.join(", ")));
    }
    if !ignored.fields.is_empty() {
        let fields = ignored
            .fields
            .iter()
            .map(|(keys, field)| format!("{field} of {keys}"));
        let fields: Vec<_> = fields.collect();
        gaps.push(format!(
            "Ignored fields, which are restored: {}.",
            fields.join(", ")
        ));
    }
    if !options.ignored_columns.is_empty() {
        gaps.push(format!(
            "Ignored columns, which are restored: {}.",
            options.ignored_columns.join(", ")
        ));
    }
    About {
        name: format!("{} ({})", options.system(), server.version),
        mechanism,
        gaps,
        sees_foreign_commits: true,
    }
}
