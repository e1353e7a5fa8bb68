use std::collections::BTreeMap;
use std::sync::Arc;

use super::expiry::expires;
use super::text::text_or_bytes;
use super::value::Kind;
use crate::{Row, Table, Value};

/// One key of one database.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Place {
    pub(super) database: u32,
    pub(super) key: Arc<[u8]>,
}

/// What puts a key back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Stored {
    /// What `DUMP` returned.
    pub(super) payload: Arc<[u8]>,
    /// For a key that expires, how many milliseconds it had left when it was written. The clock that counts them stands still
    /// until then.
    pub(super) remaining: Option<i64>,
}

/// What a key holds: how it is put back, and how it is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) stored: Stored,
    pub(super) kind: Kind,
    pub(super) row: Row,
}

impl Entry {
    pub(super) fn new(place: &Place, stored: Stored, kind: Kind, value: Value) -> Self {
        let row = [
            text_or_bytes(&place.key),
            kind.name().into(),
            value,
            stored.remaining.map(expires).into(),
        ];
        Self {
            stored,
            kind,
            row: row.into(),
        }
    }

    /// The same contents with another time to live.
    pub(super) fn expiring(&self, remaining: Option<i64>) -> Self {
        let mut row = self.row.to_vec();
        row[3] = remaining.map(expires).into();
        Self {
            stored: Stored {
                remaining,
                ..self.stored.clone()
            },
            kind: self.kind.clone(),
            row: row.into(),
        }
    }

    /// The value, as it is told.
    pub(super) fn value(&self) -> &Value {
        &self.row[2]
    }

    /// What it takes in memory, estimated.
    pub(super) fn bytes(&self) -> usize {
        let value = match self.value() {
            Value::Text(text) => text.len(),
            Value::Bytes(bytes) => bytes.len(),
            _ => 0,
        };
        self.stored.payload.len() + value + 200
    }
}

/// The tables as which databases are told, with the shape of rows that [`Entry::new`] makes.
pub(super) fn tables(databases: &[u32]) -> BTreeMap<u32, Arc<Table>> {
    let table = |database: u32| Table {
        name: format!("db{database}"),
        columns: ["key", "type", "value", "expires"]
            .map(str::to_owned)
            .into(),
        key: vec![0],
    };
    let tables = databases
        .iter()
        .map(|&number| (number, Arc::new(table(number))));
    tables.collect()
}
