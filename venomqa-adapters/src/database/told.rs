use std::sync::Arc;

use crate::{Error, Result, Row, RowChange, RowVisitor, Table, tell};

/// What of a database is told: all but the columns that the user ignores, which are followed and restored like the others.
#[derive(Clone, Debug, Default)]
pub(crate) struct Told {
    /// `orders.created_at`, as the user wrote it.
    ignored: Vec<String>,
}

impl Told {
    pub(crate) fn without(columns: &[String]) -> Self {
        Self {
            ignored: columns.to_vec(),
        }
    }

    /// What a report says of it, so that nobody takes two states for one unknowingly.
    #[cfg(any(feature = "postgres", feature = "sqlite"))]
    pub(crate) fn gap(&self) -> Option<String> {
        let ignored = self.ignored.join(", ");
        (!self.is_all()).then(|| format!("Ignored columns, which are restored: {ignored}."))
    }

    /// Whether all is told, and the functions below return what they are given.
    pub(crate) fn is_all(&self) -> bool {
        self.ignored.is_empty()
    }

    /// Refuses to ignore what there is not, and what tells rows apart.
    pub(crate) fn check<'a>(
        &self,
        system: &str,
        tables: impl Iterator<Item = &'a Arc<Table>> + Clone,
    ) -> Result<()> {
        for ignored in &self.ignored {
            let mut found = tables.clone().filter_map(|table| {
                let column = ignored.strip_prefix(&table.name)?.strip_prefix('.')?;
                Some((table, table.column(column)?))
            });
            let (why, remedy) = match found.next() {
                None => (
                    format!("the column `{ignored}` is to be ignored, but there is none"),
                    "name it as `table.column`, as reports do",
                ),
                Some((table, column)) if table.key.contains(&column) => (
                    format!("the column `{ignored}` tells rows apart, so it cannot be ignored"),
                    "leave it out of the identity of a state with `World::ignore`",
                ),
                Some(_) => continue,
            };
            return Err(Error::Refused {
                system: system.into(),
                why,
                remedy: remedy.into(),
            });
        }
        Ok(())
    }

    pub(crate) fn table(&self, table: &Arc<Table>) -> Arc<Table> {
        match self.kept(table) {
            None => table.clone(),
            Some(kept) => Arc::new(Table {
                name: table.name.clone(),
                columns: kept.iter().map(|&at| table.columns[at].clone()).collect(),
                key: (0..kept.len())
                    .filter(|&at| table.key.contains(&kept[at]))
                    .collect(),
            }),
        }
    }

    /// A visitor for rows in their full width, of one table after the other.
    pub(crate) fn visitor<'a>(&'a self, visit: RowVisitor<'a>) -> impl FnMut(&Arc<Table>, &Row) {
        let mut last: Option<(Arc<Table>, Arc<Table>)> = None;
        move |table, row| match &last {
            _ if self.is_all() => visit(table, row),
            Some((whole, narrowed)) if Arc::ptr_eq(whole, table) => {
                visit(narrowed, &self.row(table, row));
            }
            _ => {
                let narrowed = self.table(table);
                visit(&narrowed, &self.row(table, row));
                last = Some((table.clone(), narrowed));
            }
        }
    }

    fn row(&self, table: &Table, row: &Row) -> Row {
        match self.kept(table) {
            None => row.clone(),
            Some(kept) => kept.iter().map(|&at| row[at].clone()).collect(),
        }
    }

    pub(crate) fn changes(&self, changes: Vec<RowChange>) -> Vec<RowChange> {
        if self.is_all() {
            return changes;
        }
        let mut told = Vec::with_capacity(changes.len());
        for changes in changes.chunk_by(|a, b| a.table == b.table) {
            let table = &changes[0].table;
            let narrowed = self.table(table);
            let rows = |side: fn(&RowChange) -> &Option<Row>| {
                let rows = changes.iter().filter_map(|change| side(change).as_ref());
                rows.map(|row| self.row(table, row)).collect()
            };
            told.extend(tell(
                &narrowed,
                rows(|change| &change.old),
                rows(|change| &change.new),
            ));
        }
        told
    }

    /// The positions of the columns that are told, or `None` where all are.
    fn kept(&self, table: &Table) -> Option<Vec<usize>> {
        if self.is_all() {
            return None;
        }
        let is_ignored = |column: &String| {
            let name = |ignored: &String| {
                let rest = ignored.strip_prefix(&table.name)?.strip_prefix('.')?;
                (rest == column).then_some(())
            };
            self.ignored.iter().any(|ignored| name(ignored).is_some())
        };
        let kept: Vec<_> = (0..table.columns.len())
            .filter(|&at| !is_ignored(&table.columns[at]))
            .collect();
        (kept.len() < table.columns.len()).then_some(kept)
    }
}

/// Refuses to ignore tables that there are not. `there` are the names of those there are, in any order, and `same` says when two names
/// are one.
#[cfg(any(feature = "postgres", feature = "sqlite"))]
pub(crate) fn expect_tables(
    system: &str,
    ignored: &[String],
    mut there: Vec<&str>,
    same: fn(&str, &str) -> bool,
) -> Result<()> {
    let is_there = |ignored: &&String| there.iter().any(|name| same(name, ignored));
    let Some(unknown) = ignored.iter().find(|ignored| !is_there(ignored)) else {
        return Ok(());
    };
    there.sort_unstable();
    Err(Error::Refused {
        system: system.into(),
        why: format!("the table `{unknown}` is to be ignored, but there is none"),
        remedy: format!("name it as reports do: there are {}", there.join(", ")),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Value;

    fn table(key: &[usize]) -> Arc<Table> {
        Arc::new(Table {
            name: "shop.orders".into(),
            columns: ["at", "id", "paid"].map(String::from).to_vec(),
            key: key.to_vec(),
        })
    }

    fn check(key: &[usize], old: Option<[i64; 3]>, new: Option<[i64; 3]>, told: &[&str]) {
        let row = |row: [i64; 3]| Row::from(row.map(Value::from));
        let change = RowChange {
            table: table(key),
            old: old.map(row),
            new: new.map(row),
        };
        let ignoring = Told::without(&["shop.orders.at".into()]);
        let lines: Vec<_> = ignoring
            .changes(vec![change])
            .iter()
            .map(ToString::to_string)
            .collect();
        assert_eq!(lines, told);
    }

    #[test]
    fn what_is_ignored_is_not_told() {
        check(
            &[1],
            None,
            Some([9, 1, 5]),
            &["shop.orders#1 added: paid 5"],
        );
        check(
            &[1],
            Some([9, 1, 5]),
            Some([8, 1, 6]),
            &["shop.orders#1: paid 5 -> 6"],
        );
        check(&[1], Some([9, 1, 5]), Some([8, 1, 5]), &[]);
        check(&[], Some([9, 1, 5]), Some([8, 1, 5]), &[]);
    }

    #[test]
    fn only_what_there_is_and_tells_nothing_apart_can_be_ignored() {
        let refused = |column: &str| {
            let told = Told::without(&[column.into()]);
            let tables = [table(&[1])];
            told.check("db", tables.iter())
                .err()
                .map(|error| error.to_string())
        };
        assert_eq!(refused("shop.orders.at"), None);
        assert!(refused("orders.at").is_some_and(|why| why.contains("there is none")));
        assert!(refused("shop.orders.id").is_some_and(|why| why.contains("World::ignore")));
    }
}
