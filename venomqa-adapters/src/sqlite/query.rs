use std::sync::Arc;

use rusqlite::{Connection, params_from_iter};

use super::value::{Bound, Image};
use crate::{Record, Value};

/// Runs a statement of the user and reads its rows.
pub(super) fn query(db: &Connection, sql: &str, params: &[Value]) -> rusqlite::Result<Vec<Record>> {
    let mut statement = db.prepare_cached(sql)?;
    let mut columns = Vec::new();
    for name in statement.column_names() {
        columns.push(name.to_owned());
    }
    let columns: Arc<[String]> = columns.into();
    let mut rows = statement.query(params_from_iter(params.iter().map(Bound::from)))?;
    let mut records = Vec::new();
    while let Some(row) = rows.next()? {
        let image = Image::read(row, 0, columns.len())?;
        records.push(Record::new(columns.clone(), image.values));
    }
    Ok(records)
}

/// Runs statements of the user, and counts the rows that the last of them changed. Parameters go to a single statement only.
pub(super) fn execute(db: &Connection, sql: &str, params: &[Value]) -> rusqlite::Result<usize> {
    if params.is_empty() {
        db.execute_batch(sql)?;
        return Ok(db.changes().try_into().unwrap_or(usize::MAX));
    }
    db.prepare_cached(sql)?
        .execute(params_from_iter(params.iter().map(Bound::from)))
}
