//! Looks at a database without the help of the adapter.

use std::fmt::Write;
use std::path::Path;
use std::sync::Arc;

use rusqlite::Connection;
use rusqlite::types::ValueRef;
use venomqa_adapters::conformance::Contents;
use venomqa_adapters::{Row, Value};

/// An independent connection.
pub(crate) struct Looker(pub(crate) Connection);

impl Looker {
    pub(crate) fn open(path: &Path) -> Self {
        let db = Connection::open(path).unwrap();
        db.busy_timeout(std::time::Duration::from_secs(5)).unwrap();
        db.set_prepared_statement_cache_capacity(200);
        Self(db)
    }

    /// The tables of the user and `sqlite_sequence`, with the expression that shows a row's number.
    fn tables(&self) -> Vec<(String, &'static str)> {
        let mut list = self
            .0
            .prepare_cached(
                "SELECT name, CASE WHEN wr OR type = 'virtual' THEN 'NULL' WHEN EXISTS \
                 (SELECT 1 FROM pragma_table_xinfo(t.name) c WHERE lower(c.name) = 'rowid') \
                 THEN CASE WHEN EXISTS (SELECT 1 FROM pragma_table_xinfo(t.name) c WHERE lower(c.name) = 'oid') \
                 THEN '_rowid_' ELSE 'oid' END ELSE 'rowid' END FROM pragma_table_list t \
                 WHERE schema = 'main' AND type IN ('table', 'virtual') AND name NOT LIKE '\\_venomqa%' ESCAPE '\\' \
                 AND (name NOT LIKE 'sqlite\\_%' ESCAPE '\\' OR name = 'sqlite_sequence') ORDER BY name",
            )
            .unwrap();
        let number = |text: String| match text.as_str() {
            "NULL" => "NULL",
            "oid" => "oid",
            "_rowid_" => "_rowid_",
            _ => "rowid",
        };
        let tables = list.query_map([], |row| Ok((row.get(0)?, number(row.get(1)?))));
        tables.unwrap().map(Result::unwrap).collect()
    }

    fn rows(&self, table: &str, number: &str) -> Vec<(Option<i64>, Row, Vec<usize>)> {
        // The last element names the columns whose bytes are text.
        let sql = format!("SELECT {number}, * FROM \"{}\"", table.replace('"', "\"\""));
        let mut statement = self.0.prepare_cached(&sql).unwrap();
        let mut rows = statement.query([]).unwrap();
        let mut found = Vec::new();
        while let Some(row) = rows.next().unwrap() {
            let mut odd_text = Vec::new();
            let mut cell = |column| match row.get_ref(column).unwrap() {
                ValueRef::Null => Value::Null,
                ValueRef::Integer(value) => Value::Int(value),
                ValueRef::Real(value) => Value::Float(value),
                ValueRef::Blob(bytes) => Value::Bytes(bytes.into()),
                ValueRef::Text(bytes) => match std::str::from_utf8(bytes) {
                    Ok(text) => Value::Text(text.into()),
                    Err(_) => {
                        odd_text.push(column);
                        Value::Bytes(bytes.into())
                    }
                },
            };
            let columns = row.as_ref().column_count();
            let values: Arc<[Value]> = (1..columns).map(&mut cell).collect();
            found.push((row.get(0).unwrap(), values, odd_text));
        }
        found.sort();
        found
    }

    pub(crate) fn contents(&self) -> Contents {
        self.0.execute_batch("BEGIN").unwrap();
        let mut contents = Contents::new();
        for (table, number) in self.tables() {
            let rows = self
                .rows(&table, number)
                .into_iter()
                .map(|(_, row, _)| row)
                .collect();
            contents.insert(table, rows);
        }
        let settings = ["application_id", "user_version"].map(|name| {
            let row: [Value; 2] = [name.into(), self.pragma(name).into()];
            Row::from(row)
        });
        contents.insert("sqlite_settings".into(), settings.into());
        self.0.execute_batch("COMMIT").unwrap();
        contents
    }

    /// Everything: the schema, the rows with their numbers and storage classes, the sequences, the settings.
    pub(crate) fn dump(&self) -> String {
        self.0.execute_batch("BEGIN").unwrap();
        let mut dump = String::new();
        for name in ["user_version", "application_id", "auto_vacuum"] {
            writeln!(dump, "{name} = {}", self.pragma(name)).unwrap();
        }
        let mut schema = self
            .0
            .prepare_cached(
                "SELECT type, name, sql FROM sqlite_schema WHERE tbl_name NOT LIKE '\\_venomqa%' ESCAPE '\\' \
                 AND name NOT LIKE '\\_venomqa%' ESCAPE '\\' ORDER BY type, name",
            )
            .unwrap();
        let mut objects = schema.query([]).unwrap();
        while let Some(row) = objects.next().unwrap() {
            let (kind, name, sql): (String, String, Option<String>) = (
                row.get(0).unwrap(),
                row.get(1).unwrap(),
                row.get(2).unwrap(),
            );
            writeln!(dump, "{kind} {name}: {}", sql.unwrap_or_default()).unwrap();
        }
        drop(objects);
        drop(schema);
        for (table, number) in self.tables() {
            for (number, row, odd_text) in self.rows(&table, number) {
                writeln!(dump, "{table} {number:?}: {row:?} {odd_text:?}").unwrap();
            }
        }
        self.0.execute_batch("COMMIT").unwrap();
        dump
    }

    /// Whether anything of ours is in the database.
    pub(crate) fn ours(&self) -> Vec<String> {
        let sql = "SELECT name FROM sqlite_schema WHERE name LIKE '%venomqa%'";
        let mut names = self.0.prepare(sql).unwrap();
        let names = names.query_map([], |row| row.get(0)).unwrap();
        names.map(Result::unwrap).collect()
    }

    /// What SQLite finds wrong with the file.
    pub(crate) fn damage(&self) -> Vec<String> {
        let mut wrong: Vec<String> = Vec::new();
        let mut check = self.0.prepare("PRAGMA integrity_check").unwrap();
        let rows = check.query_map([], |row| row.get::<_, String>(0)).unwrap();
        wrong.extend(rows.map(Result::unwrap).filter(|line| line != "ok"));
        let mut check = self.0.prepare("PRAGMA foreign_key_check").unwrap();
        let rows = check.query_map([], |row| row.get::<_, String>(0)).unwrap();
        wrong.extend(rows.map(|table| format!("foreign key of {}", table.unwrap())));
        wrong
    }

    fn pragma(&self, name: &str) -> i64 {
        let mut statement = self.0.prepare_cached(&format!("PRAGMA {name}")).unwrap();
        statement.query_row([], |row| row.get(0)).unwrap()
    }
}
