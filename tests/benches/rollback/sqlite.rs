use rusqlite::Connection;
use tempfile::TempDir;
use venomqa_adapters::{Result, SqliteAdapter, SqliteMode, SqliteOptions, System};

use crate::Subject;

/// Ten tables like those of a small shop, in a file in WAL mode.
pub(crate) struct Tables {
    folder: TempDir,
    application: Connection,
}

impl Tables {
    pub(crate) fn create() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let application = Connection::open(folder.path().join("bench.db")).expect("a database");
        let mut schema = "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;".to_owned();
        for table in 0..10 {
            schema.push_str(&format!(
                "CREATE TABLE t{table}(id INTEGER PRIMARY KEY, email TEXT UNIQUE, name TEXT NOT NULL, qty INT NOT NULL DEFAULT 0, payload TEXT);
                 CREATE INDEX i{table} ON t{table}(qty);"
            ));
        }
        application.execute_batch(&schema).expect("ten tables");
        Self {
            folder,
            application,
        }
    }

    async fn open(&self, mode: SqliteMode) -> Result<Box<dyn System>> {
        let options = SqliteOptions {
            mode,
            ..SqliteOptions::default()
        };
        let path = self.folder.path().join("bench.db");
        Ok(Box::new(SqliteAdapter::open_with(path, options).await?))
    }
}

impl Subject for Tables {
    async fn fill(&mut self, rows: usize) {
        for table in 0..10 {
            let fill = format!(
                "DELETE FROM t{table}; WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {rows})
                 INSERT INTO t{table} SELECT i, 'u' || i || '@example.org', 'name ' || i, i, hex(zeroblob(40)) FROM n"
            );
            let filled = self
                .application
                .execute_batch(&format!("BEGIN; {fill}; COMMIT"));
            filled.expect("filled");
        }
    }

    async fn change(&mut self, round: usize, rows: usize) {
        let changes = self.application.transaction().expect("a transaction");
        for n in 0..rows {
            let (table, id) = (n % 10, ((round + n / 10) % 100 + 1) as i64);
            let change = match n % 3 {
                0 => format!("UPDATE t{table} SET qty = qty + 1 WHERE id = ?1"),
                1 => format!("INSERT INTO t{table}(email, name) VALUES ('new' || ?1, 'n')"),
                _ => format!("DELETE FROM t{table} WHERE id = ?1"),
            };
            let mut change = changes.prepare_cached(&change).expect("a statement");
            change.execute([id]).expect("changed");
        }
        changes.commit().expect("committed");
    }

    async fn round_trip(&mut self) {
        let mut select = self
            .application
            .prepare_cached("SELECT 1")
            .expect("a statement");
        let one: i64 = select.query_row([], |row| row.get(0)).expect("a row");
        assert_eq!(one, 1);
    }

    async fn following(&mut self) -> Result<Box<dyn System>> {
        self.open(SqliteMode::Journal).await
    }

    async fn copying(&mut self) -> Result<Box<dyn System>> {
        self.open(SqliteMode::Backup).await
    }
}
