use rusqlite::Connection;

use super::schema::Plan;
use crate::database::contents::Contents;

/// Reads all rows.
pub(super) fn contents(db: &Connection, plan: &Plan) -> rusqlite::Result<Contents> {
    let mut contents = Contents::new();
    for (number, table) in plan.seen() {
        let mut rows = Vec::new();
        table.each_row(db, number, |_, image| rows.push(image.values))?;
        rows.sort_unstable();
        let entry = (table.table.clone(), rows);
        contents.insert(table.table.name.clone(), entry);
    }
    Ok(contents)
}
