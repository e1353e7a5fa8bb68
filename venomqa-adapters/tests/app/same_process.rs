//! The hostile statements, from connections in the process of the adapter.

use std::path::Path;

use venomqa_adapters::BoxFuture;
use venomqa_adapters::conformance::{Contents, Dice, Workload};

use crate::app::hostile::{SCHEMA, statement};
use crate::app::look::Looker;

/// Connections of an API in this process.
pub(crate) struct SameProcess(Vec<rusqlite::Connection>, Looker);

impl SameProcess {
    pub(crate) fn start(uri: &Path) -> Self {
        let connections = [0, 1, 2].map(|_| {
            let db = rusqlite::Connection::open(uri).unwrap();
            db.busy_timeout(std::time::Duration::from_secs(5)).unwrap();
            db
        });
        Self(connections.into(), Looker::open(uri))
    }

    /// Makes the schema.
    pub(crate) fn make(&self) {
        for sql in SCHEMA {
            self.0[0].execute_batch(sql).unwrap();
        }
    }

    pub(crate) fn run(&self, sql: &str) {
        self.0[0].execute_batch(sql).unwrap();
    }
}

impl Workload for SameProcess {
    fn change<'a>(&'a mut self, dice: &'a mut Dice) -> BoxFuture<'a, ()> {
        let (connection, sql) = (&self.0[dice.below(3)], statement(dice));
        if connection.execute_batch(&sql).is_err() && !connection.is_autocommit() {
            connection.execute_batch("ROLLBACK").unwrap();
        }
        Box::pin(std::future::ready(()))
    }

    fn contents(&mut self) -> BoxFuture<'_, Contents> {
        Box::pin(std::future::ready(self.1.contents()))
    }

    fn dump(&mut self) -> BoxFuture<'_, String> {
        Box::pin(std::future::ready(self.1.dump()))
    }
}
