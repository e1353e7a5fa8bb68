use std::collections::BTreeMap;
use std::sync::Arc;

use rusqlite::Connection;

use super::schema::Plan;
use crate::{Row, RowChange, Table, tell};

/// All rows of a database, by table.
pub(super) type Contents = BTreeMap<String, (Arc<Table>, Vec<Row>)>;

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

/// What changed between two contents. Where a table got another shape, all its old rows went and all its new ones came.
pub(super) fn difference(old: &Contents, new: &Contents) -> Vec<RowChange> {
    let mut changes = Vec::new();
    let added = new.keys().filter(|name| !old.contains_key(*name));
    let mut names: Vec<_> = old.keys().chain(added).collect();
    names.sort_unstable();
    for name in names {
        match (old.get(name), new.get(name)) {
            (Some((table, gone)), Some((same, come))) if table == same => {
                if gone != come {
                    changes.extend(tell(table, gone.clone(), come.clone()));
                }
            }
            (old, new) => {
                let told = |(table, rows): &(Arc<Table>, Vec<Row>), went: bool| match went {
                    true => tell(table, rows.clone(), Vec::new()),
                    false => tell(table, Vec::new(), rows.clone()),
                };
                changes.extend(old.into_iter().flat_map(|old| told(old, true)));
                changes.extend(new.into_iter().flat_map(|new| told(new, false)));
            }
        }
    }
    changes
}
