//! Two databases of a server, a folder for what leads back, and what tests ask of them.

use std::collections::BTreeMap;
use std::sync::{Condvar, LazyLock, Mutex};

use libtest_mimic::Failed;
use redis::cmd;
use tempfile::TempDir;
use venomqa_adapters::{Checkpoint, RedisAdapter, RedisOptions, Result, RowChange, System};
use venomqa_tests::servers::Redis;

use crate::app::App;
use crate::look::Looker;

/// The server that tests share, and the pairs of its databases that nobody uses.
pub(crate) struct Shared {
    pub(crate) server: LazyLock<Redis>,
    free: Mutex<Vec<[u32; 2]>>,
    freed: Condvar,
}

impl Shared {
    pub(crate) fn start() -> Self {
        Self {
            server: LazyLock::new(Redis::start),
            free: Mutex::new((0..8).map(|pair| [2 * pair, 2 * pair + 1]).collect()),
            freed: Condvar::new(),
        }
    }

    /// Two databases for one test, empty.
    pub(crate) fn bench(&self) -> Bench<'_> {
        let mut free = self.free.lock().unwrap();
        let databases = loop {
            match free.pop() {
                Some(databases) => break databases,
                None => free = self.freed.wait(free).unwrap(),
            }
        };
        drop(free);
        let bench = Bench::new(&self.server, databases, Some(self));
        let mut looker = bench.looker();
        for database in databases {
            looker.ask::<()>(cmd("SELECT").arg(database));
            looker.ask::<()>(&mut cmd("FLUSHDB"));
        }
        bench
    }
}

/// Two databases that a test has for itself.
pub(crate) struct Bench<'a> {
    pub(crate) databases: [u32; 2],
    pub(crate) folder: TempDir,
    urls: [String; 2],
    shared: Option<&'a Shared>,
    runtime: tokio::runtime::Runtime,
}

impl<'a> Bench<'a> {
    /// On a server that the test started.
    pub(crate) fn own(server: &Redis) -> Self {
        Self::new(server, [0, 1], None)
    }

    fn new(server: &Redis, databases: [u32; 2], shared: Option<&'a Shared>) -> Self {
        Self {
            databases,
            folder: tempfile::tempdir().unwrap(),
            urls: databases.map(|database| server.url(database)),
            shared,
            runtime: runtime(),
        }
    }

    pub(crate) fn block_on(
        &self,
        test: impl AsyncFnOnce(&Self) -> Result<()>,
    ) -> std::result::Result<(), Failed> {
        Ok(self.runtime.block_on(test(self))?)
    }

    /// The URL of the first database, or the second.
    pub(crate) fn url(&self, number: usize) -> String {
        self.urls[number].clone()
    }

    /// Starts the application on both databases, with a few keys in the first.
    pub(crate) fn app(&self) -> App {
        let mut app = App::start(&[self.url(0), self.url(1)]);
        app.run("SET stock 5");
        app.run("HSET order:1 status new paid 0");
        app
    }

    pub(crate) fn looker(&self) -> Looker {
        Looker::open(&self.url(0), &self.databases)
    }

    /// Options for the first database.
    pub(crate) fn options(&self) -> RedisOptions {
        let options = RedisOptions::from_url(&self.url(0)).unwrap();
        options.state_folder(self.folder.path())
    }

    pub(crate) async fn connect(&self) -> Result<RedisAdapter> {
        self.options().connect().await
    }

    /// The table of the first database.
    pub(crate) fn table(&self) -> String {
        format!("db{}", self.databases[0])
    }

    /// The files in the folder for what leads back.
    pub(crate) fn files(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.folder.path()).unwrap();
        let mut files: Vec<_> = entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        files.sort();
        files
    }
}

impl Drop for Bench<'_> {
    fn drop(&mut self) {
        if let Some(shared) = self.shared {
            shared.free.lock().unwrap().push(self.databases);
            shared.freed.notify_one();
        }
    }
}

impl App {
    /// Runs a command, in words, on the first connection. It must succeed.
    pub(crate) fn run(&mut self, line: &str) -> String {
        self.run_on(0, line)
    }
}

impl Looker {
    /// The milliseconds that each key has left; negative for one that does not expire.
    pub(crate) fn times(&mut self, database: u32) -> BTreeMap<String, i64> {
        self.ask::<()>(cmd("SELECT").arg(database));
        let keys: Vec<String> = self.ask(cmd("KEYS").arg("*"));
        let asked: Vec<_> = keys.iter().map(|key| cmd("PTTL").arg(key).take()).collect();
        let left = self.pipelined(&asked).into_iter();
        let left = left.map(|answer| redis::from_redis_value(answer).unwrap());
        keys.into_iter().zip(left).collect()
    }
}

pub(crate) fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
}

pub(crate) async fn begin(system: &RedisAdapter) -> Result<Checkpoint> {
    Ok(system.begin(&mut |_, _| {}).await?.checkpoint)
}

pub(crate) fn lines(changes: &[RowChange]) -> Vec<String> {
    changes.iter().map(ToString::to_string).collect()
}
