//! Prints what a checkpoint and a rollback cost on a SQLite file, with three rows changed: median and 95th percentile.

use std::path::Path;
use std::time::{Duration, Instant};

use rusqlite::Connection;
use venomqa_adapters::{Result, SqliteAdapter, SqliteMode, SqliteOptions, System};

const ROUNDS: u32 = 500;

/// Ten tables like those of a small shop, with as many rows in total.
fn make(path: &Path, mode: &str, rows: usize) -> rusqlite::Result<Connection> {
    let api = Connection::open(path)?;
    api.execute_batch(&format!(
        "PRAGMA journal_mode = {mode}; PRAGMA synchronous = NORMAL; BEGIN"
    ))?;
    for table in 0..10 {
        api.execute_batch(&format!(
            "CREATE TABLE t{table}(id INTEGER PRIMARY KEY AUTOINCREMENT, email TEXT UNIQUE, name TEXT NOT NULL, \
             qty INT NOT NULL DEFAULT 0, payload TEXT, made TEXT DEFAULT CURRENT_TIMESTAMP); \
             CREATE INDEX i{table} ON t{table}(qty); \
             WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {}) \
             INSERT INTO t{table}(email, name, qty, payload) \
             SELECT 'u' || i || '@example.org', 'name ' || i, i, '{{\"k\":' || i || ',\"s\":\"' || hex(zeroblob(30)) || '\"}}' FROM n",
            rows / 10
        ))?;
    }
    api.execute_batch("COMMIT")?;
    Ok(api)
}

fn change(api: &Connection, round: u32) -> rusqlite::Result<()> {
    let id = round % 5 + 1;
    api.prepare_cached("UPDATE t3 SET qty = qty + 1 WHERE id = ?")?
        .execute([id])?;
    api.prepare_cached("INSERT INTO t5(email, name) VALUES ('new' || ?, 'n')")?
        .execute([round])?;
    api.prepare_cached("DELETE FROM t9 WHERE id = ?")?
        .execute([id])?;
    Ok(())
}

fn shown(mut times: Vec<Duration>) -> String {
    times.sort_unstable();
    let milliseconds = |part: usize| times[times.len() * part / 100].as_secs_f64() * 1e3;
    format!("{:.3}/{:.3}", milliseconds(50), milliseconds(95))
}

async fn measure(mode: &str, rows: usize, how: SqliteMode) -> Result<String> {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("bench.db");
    let api = make(&path, mode, rows).expect("a database");
    let options = SqliteOptions {
        mode: how,
        ..SqliteOptions::default()
    };
    let system = SqliteAdapter::open_with(&path, options).await?;
    let start = Instant::now();
    let root = system.begin(&mut |_, _| {}).await?.checkpoint;
    let begin = start.elapsed();
    let rounds = if how == SqliteMode::Backup {
        ROUNDS / 10
    } else {
        ROUNDS
    };
    let (mut idle, mut checkpoint, mut rollback) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..rounds {
        let start = Instant::now();
        system.changes().await?;
        idle.push(start.elapsed());
        change(&api, round).expect("changes");
        let start = Instant::now();
        let changes = system.changes().await?;
        let sealed = system.seal().await?.checkpoint;
        checkpoint.push(start.elapsed());
        assert_eq!(changes.len(), 4, "three rows and a sequence");
        let start = Instant::now();
        system.restore(root).await?;
        rollback.push(start.elapsed());
        system.release(sealed);
    }
    system.close().await?;
    let begin = begin.as_secs_f64() * 1e3;
    let (idle, checkpoint, rollback) = (shown(idle), shown(checkpoint), shown(rollback));
    Ok(format!(
        "{mode:6} {rows:6} rows {how:?}: begin {begin:.1}, changes of an untouched file {idle}, checkpoint {checkpoint}, rollback {rollback}"
    ))
}

#[expect(clippy::print_stdout, reason = "a benchmark's output")]
#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    println!("milliseconds, median/p95");
    for how in [SqliteMode::Auto, SqliteMode::Backup] {
        for rows in [100, 100_000] {
            for mode in ["WAL", "DELETE"] {
                println!("{}", measure(mode, rows, how).await?);
            }
        }
    }
    Ok(())
}
