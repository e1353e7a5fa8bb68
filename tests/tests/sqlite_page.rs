//! What the guide's page on SQLite shows is what a run says.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rusqlite::Connection;
use tempfile::TempDir;
use venomqa_adapters::{Error, SqliteAdapter, SqliteMode, SqliteOptions, System};
use venomqa_tests::Page;

/// Set in a process that opens this database and writes to it, or explores it.
const WRITES: &str = "VENOMQA_TEST_WRITES";
const EXPLORES: &str = "VENOMQA_TEST_EXPLORES";

struct Database {
    folder: TempDir,
    path: PathBuf,
}

impl Database {
    fn new(name: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join(name);
        Self { folder, path }
    }

    fn create(&self) {
        let db = Connection::open(&self.path).expect("a database");
        db.execute_batch("PRAGMA journal_mode = WAL; CREATE TABLE orders(id INTEGER PRIMARY KEY)")
            .expect("a table");
    }

    async fn open(&self) -> SqliteAdapter {
        let options = SqliteOptions {
            settle: Duration::from_millis(100),
            ..SqliteOptions::default()
        };
        SqliteAdapter::open_with(&self.path, options)
            .await
            .expect("an adapter")
    }

    /// The page shows the message as if the test had run in the folder of the database.
    fn shown(&self, message: &str) {
        let canonical = self.folder.path().canonicalize().expect("it is there");
        let mut message = message.to_owned();
        for folder in [canonical.as_path(), self.folder.path()] {
            message = message.replace(&format!("{}/", folder.display()), "");
        }
        Page::of("sqlite").shows(&message);
    }

    /// Runs one of the functions below that stand for another process, up to the moment when it says so.
    fn other_process(&self, function: &str, variable: &str) -> Child {
        let mut process = Command::new(std::env::current_exe().expect("this program"))
            .args(["--exact", "--nocapture", function])
            .env(variable, &self.path)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("this program again");
        let output = process.stdout.take().expect("piped");
        let mut lines = BufReader::new(output).lines();
        assert!(lines.any(|line| line.expect("text") == "ready"));
        process
    }
}

/// In the process that `other_process` starts: says that it is ready, and goes on when the other one is gone.
fn ready() {
    writeln!(std::io::stdout(), "\nready").expect("the test listens");
    let _ = std::io::stdin().read_line(&mut String::new());
}

#[test]
fn writes_if_asked() {
    let Some(path) = std::env::var_os(WRITES) else {
        return;
    };
    let db = Connection::open(Path::new(&path)).expect("a database");
    db.execute_batch("BEGIN IMMEDIATE; INSERT INTO orders VALUES (7)")
        .expect("written");
    ready();
}

#[tokio::test]
async fn explores_if_asked() {
    let Some(path) = std::env::var_os(EXPLORES) else {
        return;
    };
    let system = SqliteAdapter::open(path).await.expect("an adapter");
    ready();
    system.close().await.expect("closed");
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn database_locked() {
    let database = Database::new("orders.db");
    database.create();
    let system = database.open().await;
    system.begin(&mut |_, _| {}).await.expect("begun");
    let mut other = database.other_process("writes_if_asked", WRITES);
    let locked = system.changes().await.expect_err("locked");
    database.shown(&locked.to_string());
    drop(other.stdin.take());
    other.wait().expect("it ends");
    system.close().await.expect("closed");
}

#[tokio::test]
async fn refused() {
    let database = Database::new("orders-prod.db");
    let refused = SqliteAdapter::open(&database.path)
        .await
        .expect_err("refused");
    database.shown(&refused.to_string());
}

#[tokio::test]
async fn the_server_writes_elsewhere() {
    let database = Database::new("orders.db");
    let system = database.open().await;
    let missing = system.begin(&mut |_, _| {}).await.expect_err("missing");
    database.shown(&missing.to_string());
}

#[tokio::test]
async fn another_run_holds_it() {
    let database = Database::new("orders.db");
    let mut other = database.other_process("explores_if_asked", EXPLORES);
    let told = Arc::new(Mutex::new(Vec::new()));
    let tell = told.clone();
    let options = SqliteOptions {
        lock_wait: Duration::from_millis(100),
        on_wait: Some(Arc::new(move |message: &str| {
            tell.lock().expect("told").push(message.to_owned());
        })),
        ..SqliteOptions::default()
    };
    let waited = SqliteAdapter::open_with(&database.path, options).await;
    assert!(matches!(waited, Err(Error::Busy { .. })), "{waited:?}");
    database.shown(&told.lock().expect("told")[0]);
    drop(other.stdin.take());
    other.wait().expect("it ends");
}

#[tokio::test]
async fn the_way_back_is_lost() {
    let database = Database::new("orders.db");
    database.create();
    let options = SqliteOptions {
        mode: SqliteMode::Backup,
        ..SqliteOptions::default()
    };
    let killed = SqliteAdapter::open_with(&database.path, options)
        .await
        .expect("an adapter");
    killed.begin(&mut |_, _| {}).await.expect("begun");
    killed
        .execute("INSERT INTO orders VALUES (1)", ())
        .await
        .expect("written");
    drop(killed);
    std::fs::remove_file(database.folder.path().join("orders.db.venomqa-root")).expect("removed");
    let lost = SqliteAdapter::open(&database.path).await.expect_err("lost");
    database.shown(&lost.to_string());
}
