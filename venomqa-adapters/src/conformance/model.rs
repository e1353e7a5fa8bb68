use std::collections::HashMap;

use super::Contents;
use crate::{Row, RowChange, Table};

/// Adds a row, keeping the order.
pub(super) fn add_row(contents: &mut Contents, table: &Table, row: Row) {
    let rows = contents.entry(table.name.clone()).or_default();
    let at = rows.binary_search(&row).unwrap_or_else(|at| at);
    rows.insert(at, row);
}

/// Applies changes in their order. An error names the first that does not fit.
pub(super) fn apply(contents: &mut Contents, changes: &[RowChange]) -> Result<(), String> {
    for change in changes {
        if let Some(old) = &change.old {
            let rows = contents.entry(change.table.name.clone()).or_default();
            let Ok(at) = rows.binary_search(old) else {
                return Err(format!(
                    "`{change}` tells an old row that was not there: {old:?}"
                ));
            };
            rows.remove(at);
        }
        if let Some(new) = &change.new {
            add_row(contents, &change.table, new.clone());
        }
        if change.old == change.new {
            return Err(format!("`{change}` changes nothing"));
        }
    }
    Ok(())
}

/// Contents without the tables that have no rows.
pub(super) fn normal(mut contents: Contents) -> Contents {
    contents.retain(|_, rows| !rows.is_empty());
    for rows in contents.values_mut() {
        rows.sort_unstable();
    }
    contents
}

/// What differs between two contents, for a person.
pub(super) fn difference(expected: &Contents, found: &Contents) -> String {
    let mut lines = Vec::new();
    let names = expected
        .keys()
        .chain(found.keys().filter(|name| !expected.contains_key(*name)));
    for name in names {
        let none = Vec::new();
        let (expected, found) = (
            expected.get(name).unwrap_or(&none),
            found.get(name).unwrap_or(&none),
        );
        let only = |these: &[Row], those: &[Row], what: &str| -> Vec<String> {
            let rows = these.iter().filter(|row| !those.contains(row));
            rows.map(|row| format!("  {name}: {what} {row:?}"))
                .collect()
        };
        lines.extend(only(expected, found, "expected"));
        lines.extend(only(found, expected, "found"));
    }
    lines.join("\n")
}

/// Remembers in which order a set of changes was told.
#[derive(Default)]
pub(super) struct Orders(HashMap<Vec<String>, Vec<String>>);

impl Orders {
    /// False if the same changes were told in another order before.
    pub(super) fn agree(&mut self, changes: &[RowChange]) -> bool {
        let told: Vec<_> = changes.iter().map(|change| format!("{change:?}")).collect();
        let mut sorted = told.clone();
        sorted.sort_unstable();
        *self.0.entry(sorted).or_insert_with(|| told.clone()) == told
    }
}
