use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::sync::Arc;

use crate::{Row, RowChange, Table, tell};

/// All rows of a database, by table; those of a table in their order.
pub(crate) type Contents = BTreeMap<String, (Arc<Table>, Vec<Row>)>;

/// What changed between two contents. Where a table got another shape, all its old rows went and all its new ones came.
pub(crate) fn difference(old: &Arc<Contents>, new: &Arc<Contents>) -> Vec<RowChange> {
    if Arc::ptr_eq(old, new) {
        return Vec::new();
    }
    let mut changes = Vec::new();
    let added = new.keys().filter(|name| !old.contains_key(*name));
    let mut names: Vec<_> = old.keys().chain(added).collect();
    names.sort_unstable();
    for name in names {
        match (old.get(name), new.get(name)) {
            (Some((table, gone)), Some((same, come))) if table == same => {
                let (gone, come) = only_in_one(gone, come);
                changes.extend(tell(table, gone, come));
            }
            (old, new) => {
                let gone = old.map(|(table, rows)| tell(table, rows.clone(), Vec::new()));
                let come = new.map(|(table, rows)| tell(table, Vec::new(), rows.clone()));
                changes.extend(gone.into_iter().chain(come).flatten());
            }
        }
    }
    changes
}

/// The rows that only one of two sorted lists has.
fn only_in_one(left: &[Row], right: &[Row]) -> (Vec<Row>, Vec<Row>) {
    let (mut only_left, mut only_right) = (Vec::new(), Vec::new());
    let (mut left, mut right) = (left.iter().peekable(), right.iter().peekable());
    loop {
        let order = match (left.peek(), right.peek()) {
            (None, None) => return (only_left, only_right),
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (Some(a), Some(b)) => a.cmp(b),
        };
        match order {
            Ordering::Less => only_left.extend(left.next().cloned()),
            Ordering::Greater => only_right.extend(right.next().cloned()),
            Ordering::Equal => drop((left.next(), right.next())),
        }
    }
}
