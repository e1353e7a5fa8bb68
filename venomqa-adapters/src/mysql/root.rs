use std::collections::{BTreeMap, HashMap};

use super::image::Image;
use super::link::Link;
use super::schema::{Plan, TablePlan};
use super::stop::Stop;
use crate::Error;

/// The rows of the root, read from its copy when they are needed first.
#[derive(Debug, Default)]
pub(super) struct Root {
    tables: HashMap<usize, Vec<Image>>,
}

impl Root {
    /// Has the rows of a table ready, which lie in a table of that name.
    pub(super) async fn load(
        &mut self,
        link: &mut Link,
        plan: &Plan,
        number: usize,
        copy: &str,
    ) -> Result<(), Stop> {
        if let std::collections::hash_map::Entry::Vacant(entry) = self.tables.entry(number) {
            let mut rows = Vec::new();
            let table = &plan.tables[number];
            each_row(link, table, copy, "", |image| rows.push(image)).await?;
            entry.insert(rows);
        }
        Ok(())
    }

    /// Keeps the rows of a table that were read anyway.
    pub(super) fn keep(&mut self, number: usize, rows: Vec<Image>) {
        self.tables.insert(number, rows);
    }

    /// Where these rows of a table differ from those of the root, which are loaded: how many more of each there are.
    pub(super) fn differs(&self, number: usize, live: Vec<Image>) -> BTreeMap<Image, i64> {
        let mut counts = HashMap::<Image, i64>::with_capacity(live.len());
        for image in live {
            *counts.entry(image).or_default() += 1;
        }
        for image in self.tables.get(&number).into_iter().flatten() {
            match counts.get_mut(image) {
                Some(count) => *count -= 1,
                None => {
                    counts.insert(image.clone(), -1);
                }
            }
        }
        counts
            .into_iter()
            .filter(|(_, count)| *count != 0)
            .collect()
    }
}

/// Tells each row of a table, which may lie elsewhere under another name, with what follows the name in the query.
pub(super) async fn each_row(
    link: &mut Link,
    table: &TablePlan,
    from: &str,
    more: &str,
    mut told: impl FnMut(Image) + Send,
) -> Result<(), Stop> {
    let sql = format!("SELECT {} FROM {from}{more}", table.selected);
    link.each(&sql, |row| {
        let image = Image::selected(&table.columns, row).map_err(|column| {
            Stop::Failed(Error::Database {
                system: "MySQL".into(),
                doing: format!("read `{}`.`{column}`", table.name),
                source: "its value is none of its type".into(),
            })
        })?;
        told(image);
        Ok(())
    })
    .await
}

/// All rows of a table.
pub(super) async fn rows(
    link: &mut Link,
    table: &TablePlan,
    from: &str,
    more: &str,
) -> Result<Vec<Image>, Stop> {
    let mut rows = Vec::new();
    each_row(link, table, from, more, |image| rows.push(image)).await?;
    Ok(rows)
}
