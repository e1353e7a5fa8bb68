//! A database, the application that holds it, and what tests ask of both.

use std::path::PathBuf;

use libtest_mimic::Failed;
use venomqa_adapters::{Checkpoint, Result, RowChange, SqliteAdapter, System};

use crate::app::App;

pub(crate) const NOTHING: &[&str] = &[];

pub(crate) type Test = fn(&mut Bench) -> std::result::Result<(), Failed>;

/// A database in a folder of its own, and the application.
pub(crate) struct Bench {
    pub(crate) folder: tempfile::TempDir,
    pub(crate) path: PathBuf,
    pub(crate) mode: &'static str,
    runtime: tokio::runtime::Runtime,
}

impl Bench {
    pub(crate) fn new(mode: &'static str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("orders.db");
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build()
            .unwrap();
        Self {
            folder,
            path,
            mode,
            runtime,
        }
    }

    pub(crate) fn block_on(
        &mut self,
        test: impl AsyncFnOnce(&Self) -> Result<()>,
    ) -> std::result::Result<(), Failed> {
        Ok(self.runtime.block_on(test(self))?)
    }

    /// Starts the application with a few orders.
    pub(crate) fn app(&self) -> App {
        let mut app = App::start(&self.path, self.mode);
        app.run("CREATE TABLE orders(id INTEGER PRIMARY KEY AUTOINCREMENT, status TEXT, paid INT); CREATE TABLE notes(line)");
        app.run("INSERT INTO orders(status, paid) VALUES('new', 0), ('paid', 100)");
        app
    }

    pub(crate) async fn open(&self) -> Result<SqliteAdapter> {
        SqliteAdapter::open(&self.path).await
    }

    pub(crate) fn files(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.folder.path()).unwrap();
        entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect()
    }

    pub(crate) fn files_of_ours(&self) -> Vec<String> {
        let mut files = self.files();
        files.retain(|file| file.contains("venomqa"));
        files
    }
}

pub(crate) async fn begin(system: &SqliteAdapter) -> Result<Checkpoint> {
    Ok(system.begin(&mut |_, _| {}).await?.checkpoint)
}

pub(crate) fn lines(changes: &[RowChange]) -> Vec<String> {
    changes.iter().map(ToString::to_string).collect()
}
