use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::journal::Journal;
use super::query;
use super::schema::{Key, Place, hidden_place, refuse};
use crate::{Params, Record, Result, Row, Value};

/// Tables in memory, rolled back in next to no time.
///
/// Takes the place of a database in tests of actions and rules, and serves an API that runs in the test's own process: a clone
/// is another handle on the same tables.
///
/// ```
/// use venomqa_adapters::MockSystem;
/// # fn main() -> venomqa_adapters::Result<()> {
/// let db = MockSystem::new().with_table("orders", &["id", "status", "paid"], &["id"]);
/// db.insert("orders", (1, "new", 0))?;
/// db.update("orders", 1, [("status", "paid".into()), ("paid", 100.into())])?;
/// assert_eq!(db.get("orders", 1)?.unwrap()[2], 100.into());
/// # Ok(()) }
/// ```
#[derive(Clone, Debug, Default)]
pub struct MockSystem {
    journal: Arc<Mutex<Journal>>,
}

impl MockSystem {
    /// A system without tables.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a table with these columns, of which those in `key` tell the rows apart. Rows of a table without a key can be
    /// added and read here, and changed by SQL.
    ///
    /// # Panics
    ///
    /// There is a table of this name, or a key column is none of the columns.
    #[must_use]
    pub fn with_table(self, name: &str, columns: &[&str], key: &[&str]) -> Self {
        if let Err(error) = self.journal().schema_mut().add(name, columns, key) {
            panic!("{error}");
        }
        self
    }

    /// Adds a row that is there from the start.
    ///
    /// # Panics
    ///
    /// As [`insert`](Self::insert) fails.
    #[must_use]
    pub fn with_row(self, table: &str, row: impl Params) -> Self {
        if let Err(error) = self.insert(table, row) {
            panic!("{error}");
        }
        self
    }

    /// The row with this key.
    ///
    /// # Errors
    ///
    /// There is no such table, or its key has another number of columns.
    pub fn get(&self, table: &str, key: impl Into<Key>) -> Result<Option<Row>> {
        let journal = self.journal();
        let place = find(&journal, table, key.into())?;
        Ok(journal.live().rows.get(&place).cloned())
    }

    /// All rows of a table, in the order of their keys.
    ///
    /// # Errors
    ///
    /// There is no such table.
    pub fn rows(&self, table: &str) -> Result<Vec<Row>> {
        let journal = self.journal();
        let (at, _) = journal.live().schema.find(table)?;
        Ok(rows_of(&journal, at).map(|(_, row)| row.clone()).collect())
    }

    /// The number of rows in a table.
    ///
    /// # Errors
    ///
    /// There is no such table.
    pub fn count(&self, table: &str) -> Result<usize> {
        let journal = self.journal();
        let live = journal.live();
        let (at, _) = live.schema.find(table)?;
        Ok(match live.schema.tables().len() {
            1 => live.rows.len(),
            _ => rows_of(&journal, at).count(),
        })
    }

    /// Adds a row, its values in the order of the columns.
    ///
    /// # Errors
    ///
    /// There is no such table, it has another number of columns, or it has a row with this key.
    pub fn insert(&self, table: &str, row: impl Params) -> Result<()> {
        let mut journal = self.journal();
        insert(&mut journal, table, row.into_row(), false)
    }

    /// Adds a row, in the place of one with the same key.
    ///
    /// # Errors
    ///
    /// There is no such table, or it has another number of columns.
    pub fn put(&self, table: &str, row: impl Params) -> Result<()> {
        let mut journal = self.journal();
        insert(&mut journal, table, row.into_row(), true)
    }

    /// Changes some columns of the row with this key; false if there is none.
    ///
    /// # Errors
    ///
    /// There is no such table or column, or the row's new key is that of another row.
    pub fn update<'a>(
        &self,
        table: &str,
        key: impl Into<Key>,
        values: impl IntoIterator<Item = (&'a str, Value)>,
    ) -> Result<bool> {
        let mut journal = self.journal();
        let place = find(&journal, table, key.into())?;
        let Some(row) = journal.live().rows.get(&place) else {
            return Ok(false);
        };
        let mut row = row.to_vec();
        let shape = journal.live().schema.table(place.table);
        for (column, value) in values {
            let at = shape.column(column).ok_or_else(|| {
                let why = format!("the columns are: {}", shape.columns.join(", "));
                refuse(format!("update column `{column}` of `{table}`"), why)
            })?;
            row[at] = value;
        }
        replace(&mut journal, &place, row.into())?;
        Ok(true)
    }

    /// Removes the row with this key; false if there is none.
    ///
    /// # Errors
    ///
    /// There is no such table, or its key has another number of columns.
    pub fn delete(&self, table: &str, key: impl Into<Key>) -> Result<bool> {
        let mut journal = self.journal();
        let place = find(&journal, table, key.into())?;
        Ok(journal.live().rows.contains_key(&place) && journal.remove(&place))
    }

    /// The rows that a `SELECT` returns. Never waits; it is `async` so that a database can take the mock's place.
    ///
    /// # SQL
    ///
    /// The mock understands these, with `?` for parameters, and refuses everything else by name:
    ///
    /// ```sql
    /// CREATE TABLE orders(id INTEGER PRIMARY KEY, status TEXT, paid INTEGER)    -- types are read over; or PRIMARY KEY(a, b)
    /// INSERT [OR REPLACE] INTO orders[(status, paid)] VALUES ('new', 0), (?, ?) -- a key left out is the next number
    /// SELECT * | id, status | COUNT(*) [AS n] FROM orders [WHERE ...] [ORDER BY paid DESC, id] [LIMIT 10]
    /// UPDATE orders SET status = ?, paid = paid + 100 [WHERE ...]
    /// DELETE FROM orders [WHERE paid >= 100 AND status <> 'new']                 -- =, <>, !=, <, <=, >, >= joined by AND
    /// ```
    ///
    /// # Errors
    ///
    /// The statement is outside of that, or names a table or column that is not there.
    pub async fn query(&self, sql: &str, params: impl Params) -> Result<Vec<Record>> {
        query::run(&mut self.journal(), sql, params.into_values()).map(|(records, _)| records)
    }

    /// Runs a statement, and returns how many rows it changed. It changes all or nothing.
    ///
    /// # Errors
    ///
    /// As for [`query`](Self::query), and where a key is taken.
    pub async fn execute(&self, sql: &str, params: impl Params) -> Result<usize> {
        query::run(&mut self.journal(), sql, params.into_values()).map(|(_, changed)| changed)
    }

    /// Removes all rows of all tables.
    pub fn clear(&self) {
        let mut journal = self.journal();
        let places: Vec<_> = journal.live().rows.keys().cloned().collect();
        for place in &places {
            journal.remove(place);
        }
    }

    pub(super) fn journal(&self) -> MutexGuard<'_, Journal> {
        // No code of a user runs under the lock, so a panic elsewhere leaves nothing half done.
        self.journal.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn find(journal: &Journal, table: &str, key: Key) -> Result<Place> {
    let schema = &journal.live().schema;
    let (at, _) = schema.find(table)?;
    schema.place(at, key)
}

/// The rows of a table and where they live, in the order of their keys.
pub(super) fn rows_of(journal: &Journal, table: u32) -> impl Iterator<Item = (&Place, &Row)> {
    let rows = &journal.live().rows;
    let from = Place {
        table,
        key: Key::least(),
    };
    rows.range(from..)
        .take_while(move |(place, _)| place.table == table)
}

pub(super) fn insert(journal: &mut Journal, table: &str, row: Row, replace: bool) -> Result<()> {
    let schema = &journal.live().schema;
    let (at, shape) = schema.find(table)?;
    let doing = || format!("insert into `{table}`");
    if row.len() != shape.columns.len() {
        let why = format!("it has {} columns, not {}", shape.columns.len(), row.len());
        return Err(refuse(doing(), why));
    }
    let place = if shape.key.is_empty() {
        hidden_place(at, journal.next_hidden())
    } else {
        schema.place_of(at, &row)
    };
    if !replace && journal.live().rows.contains_key(&place) {
        return Err(refuse(
            doing(),
            format!("there is a row with {}", place.key),
        ));
    }
    journal.put(place, row);
    Ok(())
}

/// Puts a row in the place of another, also where its key is a new one.
pub(super) fn replace(journal: &mut Journal, place: &Place, row: Row) -> Result<()> {
    let live = journal.live();
    let shape = live.schema.table(place.table);
    if shape.key.is_empty() {
        journal.put(place.clone(), row);
        return Ok(());
    }
    let to = live.schema.place_of(place.table, &row);
    if to != *place {
        if live.rows.contains_key(&to) {
            let doing = format!("change the key of a row of `{}`", shape.name);
            return Err(refuse(doing, format!("there is a row with {}", to.key)));
        }
        journal.remove(place);
    }
    journal.put(to, row);
    Ok(())
}
