use std::collections::BTreeMap;
use std::sync::Arc;

use super::look::Found;
use super::schema::Plan;
use crate::{RowChange, tell};

/// Rows that came and went, counted: the same row once more is +1, once less is -1.
///
/// Counts have no order. That is what makes them right: a trigger of the application that changes a row again is journaled
/// before the statement that fired it.
#[derive(Debug, Default)]
pub(super) struct Net(BTreeMap<(usize, Arc<str>), i64>);

impl Net {
    /// Adds rows of the journal.
    pub(super) fn add_all(&mut self, found: &Found) {
        for (table, count, image) in found.rows() {
            self.add(table, image, count);
        }
    }

    fn add(&mut self, table: usize, image: Arc<str>, count: i64) {
        use std::collections::btree_map::Entry;
        match self.0.entry((table, image)) {
            Entry::Vacant(entry) => drop(entry.insert(count)),
            Entry::Occupied(mut entry) => {
                *entry.get_mut() += count;
                if *entry.get() == 0 {
                    entry.remove();
                }
            }
        }
    }

    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    /// The changes as the contract wants them told.
    pub(super) fn told(&self, plan: &Plan) -> Vec<RowChange> {
        let mut tables = BTreeMap::<usize, (Vec<_>, Vec<_>)>::new();
        for ((number, image), &count) in &self.0 {
            let (gone, come) = tables.entry(*number).or_default();
            let rows = if count < 0 { gone } else { come };
            let row = plan.tables[*number].row(image);
            rows.extend((0..count.unsigned_abs()).map(|_| row.clone()));
        }
        let tables = tables.into_iter();
        tables
            .flat_map(|(number, (gone, come))| tell(&plan.tables[number].table, gone, come))
            .collect()
    }
}
