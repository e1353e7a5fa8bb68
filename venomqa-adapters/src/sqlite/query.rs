use std::sync::Arc;

use rusqlite::{Connection, params_from_iter};

use super::value::{Bound, Image};
use crate::{Record, Value};

/// Runs a statement of the user and reads its rows.
pub(super) fn query(db: &Connection, sql: &str, params: &[Value]) -> rusqlite::Result<Vec<Record>> {
    let mut statement = db.prepare_cached(sql)?;
    let mut rows = statement.query(params_from_iter(params.iter().map(Bound::from)))?;
    let mut columns: Arc<[String]> = Arc::default();
    let mut records = Vec::new();
    while let Some(row) = rows.next()? {
        if records.is_empty() {
            // Not before the first row: it may be prepared again for a schema that has changed.
            let mut names = Vec::new();
            for name in row.as_ref().column_names() {
                names.push(name.to_owned());
            }
            columns = names.into();
        }
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
