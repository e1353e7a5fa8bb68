use std::collections::BTreeMap;
use std::sync::Arc;

use rusqlite::Connection;

use super::index::UniqueIndex;
use super::value::Image;
use crate::{Row, Table, Value};

/// The prefix of everything that is installed.
pub(super) const OURS: &str = "_venomqa_";

/// The table in which settings of the database file are told as rows; no real table can have this name.
pub(super) const SETTINGS: &str = "sqlite_settings";

/// Where a row is stored: its table's position in the plan, and what tells it apart there.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Place {
    pub(super) table: usize,
    pub(super) id: RowId,
}

/// What SQLite itself tells rows apart by.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum RowId {
    Number(i64),
    /// The primary key of a table `WITHOUT ROWID`.
    Key(Arc<[Value]>),
}

/// The tables of a database, and how to follow them.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) tables: Vec<TablePlan>,
    /// The text of everything in the schema, by kind and name.
    objects: BTreeMap<String, String>,
    /// Why triggers cannot follow this database, if they cannot.
    pub(super) unfollowable: Option<String>,
}

/// One table, and the statements on it.
#[derive(Debug)]
pub(super) struct TablePlan {
    pub(super) table: Arc<Table>,
    pub(super) kind: Kind,
    pub(super) columns: Vec<Column>,
    pub(super) unique: Vec<UniqueIndex>,
    /// The name under which the row number is reachable; empty in a table `WITHOUT ROWID`.
    pub(super) row_number: String,
    pub(super) select_all: String,
    pub(super) select_one: String,
    pub(super) delete: String,
    pub(super) insert: String,
}

/// How a table is followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// By triggers.
    Followed,
    /// `sqlite_sequence` and the settings of the file carry no triggers and are small: read in full.
    Scanned,
    /// Only full copies restore it, such as a virtual table.
    Unfollowed,
    /// Not part of a state: the user does not want to see it, or a virtual table shows its contents.
    Ignored,
}

#[derive(Debug)]
pub(super) struct Column {
    pub(super) name: String,
    pub(super) generated: bool,
    /// What stands in for NULL where a `NOT NULL` column is written by `OR REPLACE`.
    pub(super) default: Option<String>,
}

impl Plan {
    /// Reads the schema.
    pub(super) fn read(db: &Connection, ignored: &[String]) -> rusqlite::Result<Self> {
        let mut plan = Self {
            tables: Vec::new(),
            objects: objects(db)?,
            unfollowable: None,
        };
        let mut list = db.prepare_cached(
            "SELECT name, type, wr FROM pragma_table_list WHERE schema = 'main' AND type <> 'view' \
             AND (name NOT LIKE 'sqlite\\_%' ESCAPE '\\' OR name = 'sqlite_sequence') ORDER BY name",
        )?;
        let mut rows = list.query([])?;
        while let Some(row) = rows.next()? {
            let (name, kind): (String, String) = (row.get(0)?, row.get(1)?);
            if name.starts_with(OURS) {
                continue;
            }
            let unwanted = ignored
                .iter()
                .any(|table| table.eq_ignore_ascii_case(&name));
            let kind = match kind.as_str() {
                "table" if unwanted => Kind::Ignored,
                "table" if name == "sqlite_sequence" => Kind::Scanned,
                "table" => Kind::Followed,
                "virtual" => {
                    let why = format!("`{name}` is a virtual table");
                    plan.unfollowable.get_or_insert(why);
                    Kind::Unfollowed
                }
                _ => Kind::Ignored,
            };
            let (table, refusal) = TablePlan::read(db, name, kind, row.get(2)?)?;
            plan.tables.push(table);
            plan.unfollowable = plan.unfollowable.or(refusal);
        }
        plan.tables.push(TablePlan::settings());
        if plan.unfollowable.is_none() {
            plan.unfollowable = plan.tables.iter().find_map(|table| table.refusal(db));
        }
        Ok(plan)
    }

    /// What is different in the schema now, for a person.
    pub(super) fn difference(&self, db: &Connection) -> rusqlite::Result<String> {
        let now = objects(db)?;
        let mut differences: Vec<_> = now
            .iter()
            .filter_map(|(name, sql)| match self.objects.get(name) {
                None => Some(format!("{name} created")),
                Some(before) if before != sql => Some(format!("{name} changed")),
                Some(_) => None,
            })
            .collect();
        let dropped = self.objects.keys().filter(|name| !now.contains_key(*name));
        differences.extend(dropped.map(|name| format!("{name} dropped")));
        if differences.is_empty() {
            differences.push("VACUUM or a change that was taken back".into());
        }
        Ok(differences.join(", "))
    }

    /// The full-text indexes that keep no contents: of their rows only the number shows.
    pub(super) fn contentless(&self) -> impl Iterator<Item = &str> {
        let virtual_tables = self.of_kind(Kind::Unfollowed);
        virtual_tables
            .map(|(_, table)| table.table.name.as_str())
            .filter(|name| {
                let sql = self.objects.get(&format!("table {name}"));
                sql.is_some_and(|sql| is_contentless(sql))
            })
    }

    pub(super) fn of_kind(&self, kind: Kind) -> impl Iterator<Item = (usize, &TablePlan)> {
        let tables = self.tables.iter().enumerate();
        tables.filter(move |(_, table)| table.kind == kind)
    }

    /// The tables whose rows are part of a state.
    pub(super) fn seen(&self) -> impl Iterator<Item = (usize, &TablePlan)> + Clone {
        let tables = self.tables.iter().enumerate();
        tables.filter(|(_, table)| table.kind != Kind::Ignored)
    }
}

impl TablePlan {
    /// Reads a table, and why it cannot be followed if it cannot.
    fn read(
        db: &Connection,
        name: String,
        mut kind: Kind,
        without_rowid: bool,
    ) -> rusqlite::Result<(Self, Option<String>)> {
        let mut refusal = None;
        let mut columns = Vec::new();
        let mut key = Vec::new();
        let mut info = db.prepare_cached(
            "SELECT name, hidden, \"notnull\", dflt_value, pk FROM pragma_table_xinfo(?1) WHERE hidden <> 1",
        )?;
        let mut rows = info.query([&name])?;
        while let Some(row) = rows.next()? {
            let (hidden, not_null, pk): (i64, bool, u32) = (row.get(1)?, row.get(2)?, row.get(4)?);
            if pk > 0 {
                key.push((pk, columns.len()));
            }
            columns.push(Column {
                name: row.get(0)?,
                generated: hidden > 1,
                default: row
                    .get::<_, Option<String>>(3)?
                    .filter(|_| not_null || without_rowid)
                    .map(unambiguous),
            });
        }
        key.sort_unstable();
        let key: Vec<_> = key.into_iter().map(|(_, column)| column).collect();
        let unique = UniqueIndex::all(db, &name)?.unwrap_or_else(|index| {
            refusal = Some(format!("the index `{index}` of `{name}` is not understood"));
            Vec::new()
        });
        let row_number = match without_rowid {
            true => String::new(),
            false => row_number(db, &name, &columns, &key)?.unwrap_or_else(|| {
                refusal = Some(format!("the columns of `{name}` hide its row numbers"));
                "NULL".into()
            }),
        };
        refusal = refusal.filter(|_| kind == Kind::Followed);
        if refusal.is_some() {
            kind = Kind::Unfollowed;
        }
        let key = match kind {
            Kind::Scanned => vec![0],
            _ => key,
        };
        let table = Self::new(name, kind, columns, key, row_number, unique);
        Ok((table, refusal))
    }

    fn new(
        name: String,
        kind: Kind,
        columns: Vec<Column>,
        key: Vec<usize>,
        row_number: String,
        unique: Vec<UniqueIndex>,
    ) -> Self {
        let from = quoted(&name);
        let all: Vec<_> = columns.iter().map(|column| quoted(&column.name)).collect();
        let list = all.join(", ");
        let (id, found) = if row_number.is_empty() {
            let equal: Vec<_> = key
                .iter()
                .map(|&column| format!("{} = ?", all[column]))
                .collect();
            ("NULL", equal.join(" AND "))
        } else {
            (row_number.as_str(), format!("{row_number} = ?"))
        };
        let mut written: Vec<_> = columns
            .iter()
            .zip(&all)
            .filter(|(column, _)| !column.generated)
            .map(|(_, name)| name.as_str())
            .collect();
        if !row_number.is_empty() && !all.contains(&row_number) {
            written.insert(0, &row_number);
        }
        let marks = vec!["?"; written.len()].join(", ");
        Self {
            select_all: format!("SELECT {id}, {list} FROM {from}"),
            select_one: format!("SELECT {id}, {list} FROM {from} WHERE {found}"),
            delete: format!("DELETE FROM {from} WHERE {found}"),
            insert: format!(
                "INSERT INTO {from}({}) VALUES ({marks})",
                written.join(", ")
            ),
            table: Arc::new(Table {
                name,
                columns: columns.iter().map(|column| column.name.clone()).collect(),
                key,
            }),
            kind,
            columns,
            unique,
            row_number,
        }
    }

    /// The settings of the file that an application may write, as rows.
    fn settings() -> Self {
        let columns = ["name", "value"].map(|name| Column {
            name: name.into(),
            generated: false,
            default: None,
        });
        let mut plan = Self::new(
            SETTINGS.into(),
            Kind::Scanned,
            columns.into(),
            vec![0],
            "rowid".into(),
            Vec::new(),
        );
        plan.select_all = "SELECT 0, 'user_version', user_version FROM pragma_user_version \
             UNION ALL SELECT 1, 'application_id', application_id FROM pragma_application_id"
            .into();
        plan
    }

    /// Whether our connection cannot write this table, such as for a collation that only the application has.
    fn refusal(&self, db: &Connection) -> Option<String> {
        if self.kind != Kind::Followed {
            return None;
        }
        if self.columns.len() > 1900 {
            return Some(format!(
                "`{}` has more columns than the journal",
                self.table.name
            ));
        }
        [&self.select_one, &self.delete, &self.insert]
            .into_iter()
            .find_map(|sql| db.prepare(sql).err())
            .map(|error| {
                format!(
                    "`{}` cannot be written from outside: {error}",
                    self.table.name
                )
            })
    }

    /// Whether the row number is one of the columns, an `INTEGER PRIMARY KEY`.
    pub(super) fn numbers_are_a_column(&self) -> bool {
        self.columns
            .iter()
            .any(|column| quoted(&column.name) == self.row_number)
    }

    pub(super) fn is_settings(&self) -> bool {
        self.kind == Kind::Scanned && self.table.name == SETTINGS
    }

    /// Where a row is stored.
    pub(super) fn place(&self, table: usize, row_number: Option<i64>, values: &Row) -> Place {
        let id = match row_number {
            Some(number) => RowId::Number(number),
            None => {
                let key = self.table.key.iter().map(|&column| values[column].clone());
                RowId::Key(key.collect())
            }
        };
        Place { table, id }
    }

    /// Tells all rows and where they are.
    pub(super) fn each_row(
        &self,
        db: &Connection,
        table: usize,
        mut tell: impl FnMut(Place, Image),
    ) -> rusqlite::Result<()> {
        let mut statement = db.prepare_cached(&self.select_all)?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let image = Image::read(row, 1, self.columns.len())?;
            tell(self.place(table, row.get(0)?, &image.values), image);
        }
        Ok(())
    }
}

fn objects(db: &Connection) -> rusqlite::Result<BTreeMap<String, String>> {
    let mut objects = db.prepare_cached(
        "SELECT type || ' ' || name, sql FROM sqlite_schema WHERE sql IS NOT NULL AND substr(name, 1, length(?1)) <> ?1",
    )?;
    objects
        .query_map([OURS], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect()
}

/// An expression for the row number of a table.
fn row_number(
    db: &Connection,
    table: &str,
    columns: &[Column],
    key: &[usize],
) -> rusqlite::Result<Option<String>> {
    let own_index: bool = db
        .prepare_cached("SELECT count(*) FROM pragma_index_list(?1) WHERE origin = 'pk'")?
        .query_row([table], |row| row.get(0))?;
    if let (&[column], false) = (key, own_index) {
        return Ok(Some(quoted(&columns[column].name)));
    }
    let hidden = |name: &&str| {
        columns
            .iter()
            .all(|column| !column.name.eq_ignore_ascii_case(name))
    };
    let name = ["rowid", "_rowid_", "oid"].into_iter().find(hidden);
    Ok(name.map(Into::into))
}

/// A default in double quotes is a string, but would be a column of that name elsewhere.
fn unambiguous(default: String) -> String {
    let inside = default
        .strip_prefix('"')
        .and_then(|rest| rest.strip_suffix('"'));
    match inside {
        Some(text) => format!("'{}'", text.replace("\"\"", "\"").replace('\'', "''")),
        None => default,
    }
}

/// Whether this makes a full-text index that keeps no contents.
fn is_contentless(sql: &str) -> bool {
    let sql: String = sql.to_lowercase().split_whitespace().collect();
    sql.contains("usingfts") && (sql.contains("content=''") || sql.contains("content=\"\""))
}

/// A name as an identifier in SQL.
pub(super) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}
