use std::fmt;
use std::time::Duration;

use crate::WaitHook;

/// How [`SqliteAdapter`](super::SqliteAdapter) follows and waits.
#[derive(Clone)]
pub struct SqliteOptions {
    /// How the database goes back.
    pub mode: SqliteMode,
    /// How long to wait for the application to finish its transactions, before a checkpoint and before a rollback.
    pub settle: Duration,
    /// How long to wait for another run that holds the same database.
    pub lock_wait: Duration,
    /// Tables that are neither followed, nor restored, nor part of a state.
    pub ignored_tables: Vec<String>,
    /// Columns that are followed and restored, but not part of a state: `orders.created_at`.
    pub ignored_columns: Vec<String>,
    /// Is told whom a run waits for, once for each holder of the database. Without it, what [`on_wait`](crate::on_wait) was
    /// given is told.
    pub on_wait: Option<WaitHook>,
}

impl Default for SqliteOptions {
    fn default() -> Self {
        Self {
            mode: SqliteMode::default(),
            settle: Duration::from_secs(5),
            lock_wait: Duration::from_secs(600),
            ignored_tables: Vec::new(),
            ignored_columns: Vec::new(),
            on_wait: None,
        }
    }
}

impl fmt::Debug for SqliteOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteOptions")
            .field("mode", &self.mode)
            .field("settle", &self.settle)
            .field("lock_wait", &self.lock_wait)
            .field("ignored_tables", &self.ignored_tables)
            .field("ignored_columns", &self.ignored_columns)
            .finish_non_exhaustive()
    }
}

/// How a SQLite database goes back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SqliteMode {
    /// By the trigger journal where it can follow, by full copies where it cannot, such as in a database with virtual tables.
    /// A copy of the file beside it makes changes of the schema undoable.
    #[default]
    Auto,
    /// By the trigger journal alone, without a copy of the file. What it cannot follow is an error.
    Journal,
    /// By full copies: undoes everything, but each step costs what is stored.
    Backup,
}
