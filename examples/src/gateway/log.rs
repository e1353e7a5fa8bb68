use std::time::Duration;

use rusqlite::{Connection, OptionalExtension, Row};
use serde::Serialize;

use crate::server::Refusal;

const SCHEMA: &str = "
    PRAGMA journal_mode = WAL;
    CREATE TABLE IF NOT EXISTS charges (
        id        INTEGER PRIMARY KEY,
        reference TEXT    NOT NULL,
        amount    INTEGER NOT NULL,
        refunded  INTEGER NOT NULL DEFAULT FALSE
    ) STRICT;
";

/// All charges that were ever asked for.
#[derive(Debug)]
pub(super) struct Log(Connection);

#[derive(Debug, Serialize)]
pub(super) struct Charge {
    id: i64,
    reference: String,
    amount: i64,
    refunded: bool,
}

impl Log {
    /// Opens the file, and makes it if it is not there.
    pub(super) fn open(file: &str) -> rusqlite::Result<Self> {
        let db = Connection::open(file)?;
        db.busy_timeout(Duration::from_secs(5))?;
        db.execute_batch(SCHEMA)?;
        Ok(Self(db))
    }

    pub(super) fn charge(&self, reference: &str, amount: i64) -> Result<Charge, Refusal> {
        let mut insert = self.0.prepare_cached(
            "INSERT INTO charges (reference, amount) VALUES (?1, ?2) RETURNING id, reference, amount, refunded",
        )?;
        Ok(insert.query_row((reference, amount), Charge::from_row)?)
    }

    pub(super) fn refund(&self, id: i64) -> Result<Charge, Refusal> {
        let mut update = self.0.prepare_cached(
            "UPDATE charges SET refunded = TRUE WHERE id = ?1 AND NOT refunded RETURNING id, reference, amount, refunded",
        )?;
        if let Some(charge) = update.query_row([id], Charge::from_row).optional()? {
            return Ok(charge);
        }
        let mut select = self
            .0
            .prepare_cached("SELECT 1 FROM charges WHERE id = ?1")?;
        Err(if select.exists([id])? {
            Refusal::Conflict(format!("charge {id} was refunded before"))
        } else {
            Refusal::NotFound(format!("there is no charge {id}"))
        })
    }

    pub(super) fn charges(&self) -> Result<Vec<Charge>, Refusal> {
        let mut select = self
            .0
            .prepare_cached("SELECT id, reference, amount, refunded FROM charges ORDER BY id")?;
        let charges = select.query_map([], Charge::from_row)?;
        Ok(charges.collect::<rusqlite::Result<_>>()?)
    }
}

impl Charge {
    fn from_row(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            id: row.get(0)?,
            reference: row.get(1)?,
            amount: row.get(2)?,
            refunded: row.get(3)?,
        })
    }
}
