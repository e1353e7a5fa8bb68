use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use super::cascade::{self, Cascade};
use super::column::{Column, Described, Kind};
use super::install::MARKER;
use super::link::Link;
use super::options::Ignored;
use super::stop::Stop;
use crate::Table;

/// The tables of a database, and what is needed to follow and to write them.
#[derive(Debug, Default)]
pub(super) struct Plan {
    pub(super) database: String,
    pub(super) tables: Vec<TablePlan>,
    /// The numbers of the tables by name.
    numbers: HashMap<String, usize>,
    pub(super) cascades: Vec<Cascade>,
    /// What cannot be followed, one phrase each: `` `log` is kept by MyISAM, which has no transactions ``.
    pub(super) unfollowable: Vec<String>,
    /// Columns that are to be ignored, but there are none.
    pub(super) unknown_columns: Vec<String>,
    pub(super) unknown_tables: Vec<String>,
}

/// A followed table.
#[derive(Debug)]
pub(super) struct TablePlan {
    pub(super) name: String,
    /// Its shape as it is told: without the ignored columns.
    pub(super) table: Arc<Table>,
    pub(super) columns: Vec<Column>,
    /// Which of them are told.
    pub(super) told: Vec<bool>,
    /// Whether nothing but all of its columns tells a row from another.
    pub(super) is_keyless: bool,
    /// Whether the server adds a column of its own to its rows in the log, for a unique index over what is too long for one.
    pub(super) is_hashed: bool,
    /// The exact contents, to select from `<quoted database>.<quoted table>`.
    pub(super) selected: String,
    /// What the binary log says of its columns before their rows: how many, of which types, with what sizes.
    pub(super) signature: Vec<u8>,
}

/// A name as a statement quotes it.
pub(super) fn quoted(name: &str) -> String {
    format!("`{}`", name.replace('`', "``"))
}

/// A text as a statement quotes it, in a session in which a backslash escapes nothing.
pub(super) fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// Bytes as a statement has them.
pub(super) fn bytes(bytes: &[u8]) -> String {
    let digits: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("x'{digits}'")
}

/// The condition that a column of `information_schema` is just this name. Without the second half some of its tables take any case.
pub(super) fn is(column: &str, name: &str) -> String {
    let name = literal(name);
    format!("{column} = {name} AND BINARY {column} = {name}")
}

impl Plan {
    /// Reads the schema of a database.
    pub(super) async fn read(
        link: &mut Link,
        database: &str,
        ignored: &Ignored,
    ) -> Result<Self, Stop> {
        let mut plan = Self {
            database: database.into(),
            ..Self::default()
        };
        let mut columns = read_columns(link, database).await?;
        let mut indexes = read_indexes(link, database).await?;
        let tables: Vec<(String, String, Option<String>)> = link
            .rows(&format!(
                "SELECT table_name, table_type, engine FROM information_schema.tables \
                 WHERE {} AND table_type NOT IN ('VIEW', 'SYSTEM VIEW') ORDER BY BINARY table_name",
                is("table_schema", database)
            ))
            .await?;
        let names = columns.iter().flat_map(|(table, columns)| {
            columns
                .iter()
                .map(move |(column, _)| in_full(table, column))
        });
        let names: BTreeSet<_> = names.collect();
        plan.unknown_columns = ignored.columns.difference(&names).cloned().collect();
        let names = tables.iter().map(|(name, ..)| name.clone()).collect();
        plan.unknown_tables = ignored.tables.difference(&names).cloned().collect();
        for (name, kind, engine) in tables {
            if name == MARKER || ignored.tables.contains(&name) {
                continue;
            }
            let described = columns.remove(&name).unwrap_or_default();
            let trouble = match (&*kind, engine.as_deref()) {
                ("SEQUENCE", _) => Some("is a sequence, which nobody can put back exactly".into()),
                ("SYSTEM VERSIONED", _) => Some("keeps its own history".into()),
                (_, Some("InnoDB")) => None,
                (_, engine) => Some(format!(
                    "is kept by {}, which has no transactions",
                    engine.unwrap_or("an unknown engine")
                )),
            };
            match trouble {
                Some(trouble) => plan
                    .unfollowable
                    .push(format!("{} {trouble}", quoted(&name))),
                None => plan.add(name, described, &mut indexes, ignored),
            }
        }
        plan.cascades = cascade::read(link, &plan).await?;
        Ok(plan)
    }

    fn add(
        &mut self,
        name: String,
        described: Vec<(Column, Option<Described>)>,
        indexes: &mut Indexes,
        ignored: &Ignored,
    ) {
        let mut columns = Vec::new();
        for (column, unknown) in described {
            match unknown {
                Some(unknown) => self.unfollowable.push(format!(
                    "{}.{} is of the type `{}`, which is not known here",
                    quoted(&name),
                    quoted(&column.name),
                    unknown.column_type
                )),
                None => columns.push(column),
            }
        }
        let told: Vec<_> = columns
            .iter()
            .map(|column| !ignored.columns.contains(&in_full(&name, column)))
            .collect();
        let shown = || columns.iter().zip(&told).filter(|(_, told)| **told);
        let names: Vec<_> = shown().map(|(column, _)| column.name.clone()).collect();
        let key = indexes.keys.remove(&name);
        let is_keyless = key.is_none();
        let is_hashed = indexes.hashed.contains(&name);
        if is_keyless && is_hashed {
            self.unfollowable.push(format!(
                "{} has a unique index over long columns but no key by which to find its rows",
                quoted(&name)
            ));
        }
        // InnoDB counts in it, and does not count back.
        if columns.iter().any(|column| column.name == "FTS_DOC_ID") {
            self.unfollowable.push(format!(
                "{} has a column `FTS_DOC_ID`, which the server numbers for itself",
                quoted(&name)
            ));
        }
        // A row without a key is searched for by its bytes.
        if let Some(column) = columns
            .iter()
            .find(|it| is_keyless && it.kind.is_ambiguous())
        {
            self.unfollowable.push(format!(
                "{} has a `JSON` column ({}) but no key by which to find its rows",
                quoted(&name),
                quoted(&column.name)
            ));
        }
        let key = key.unwrap_or_default();
        let key: Option<Vec<_>> = key
            .iter()
            .map(|column| names.iter().position(|name| name == column))
            .collect();
        let table = Table {
            name: name.clone(),
            columns: names,
            key: key.unwrap_or_default(),
        };
        let selected: Vec<_> = columns
            .iter()
            .map(|column| column.selected(&quoted(&column.name)))
            .collect();
        self.numbers.insert(name.clone(), self.tables.len());
        self.tables.push(TablePlan {
            name,
            table: Arc::new(table),
            told,
            is_keyless,
            is_hashed,
            selected: selected.join(", "),
            signature: signature(&columns),
            columns,
        });
    }

    /// The table of this name, with its number.
    pub(super) fn table(&self, name: &str) -> Option<(usize, &TablePlan)> {
        let number = *self.numbers.get(name)?;
        Some((number, &self.tables[number]))
    }

    /// The numbers of all tables.
    pub(super) fn all(&self) -> impl Iterator<Item = usize> + use<> {
        0..self.tables.len()
    }

    /// A table as a statement names it.
    pub(super) fn qualified(&self, number: usize) -> String {
        let table = &self.tables[number];
        format!("{}.{}", quoted(&self.database), quoted(&table.name))
    }
}

/// A column as the options name it.
fn in_full(table: &str, column: &Column) -> String {
    format!("{table}.{}", column.name)
}

/// The columns of all tables by name, in order; those whose type is not known with what is said of them.
type Columns = HashMap<String, Vec<(Column, Option<Described>)>>;

async fn read_columns(link: &mut Link, database: &str) -> Result<Columns, Stop> {
    let mut columns = Columns::new();
    let sql = format!(
        "SELECT table_name, column_name, data_type, column_type, character_octet_length, numeric_precision, \
         numeric_scale, datetime_precision, character_set_name, is_nullable, extra \
         FROM information_schema.columns WHERE {} ORDER BY BINARY table_name, ordinal_position",
        is("table_schema", database)
    );
    for mut row in link.rows::<mysql_async::Row>(&sql).await? {
        let table: String = row.take(0).unwrap_or_default();
        let extra: String = row.take(10).unwrap_or_default();
        let nullable: String = row.take(9).unwrap_or_default();
        let described = Described {
            data_type: row.take(2).unwrap_or_default(),
            column_type: row.take(3).unwrap_or_default(),
            octets: row.take(4).flatten(),
            precision: row.take(5).flatten(),
            scale: row.take(6).flatten(),
            digits: row.take(7).flatten(),
            charset: row.take(8).flatten(),
        };
        let kind = Kind::of(&described);
        let unknown = kind.is_none().then_some(described);
        let column = Column {
            name: row.take(1).unwrap_or_default(),
            kind: kind.unwrap_or(Kind::Year),
            nullable: nullable == "YES",
            generated: extra.contains("GENERATED"),
        };
        columns.entry(table).or_default().push((column, unknown));
    }
    Ok(columns)
}

/// The unique indexes of all tables, by name.
struct Indexes {
    /// The columns of the primary key, or of an index without NULL.
    keys: HashMap<String, Vec<String>>,
    /// Tables with an index of hashes, by which the server finds no rows.
    hashed: BTreeSet<String>,
}

async fn read_indexes(link: &mut Link, database: &str) -> Result<Indexes, Stop> {
    let sql = format!(
        "SELECT table_name, index_name, column_name, sub_part, nullable, index_type FROM information_schema.statistics \
         WHERE {} AND non_unique = 0 \
         ORDER BY BINARY table_name, index_name <> 'PRIMARY', index_name, seq_in_index",
        is("table_schema", database)
    );
    type Part = (
        String,
        String,
        Option<String>,
        Option<u64>,
        Option<String>,
        String,
    );
    let mut hashed = BTreeSet::new();
    let mut indexes = Vec::<(String, String, Option<Vec<String>>)>::new();
    for (table, index, column, prefix, nullable, kind) in link.rows::<Part>(&sql).await? {
        if kind == "HASH" {
            hashed.insert(table);
            continue;
        }
        let is_next = indexes
            .last()
            .is_none_or(|(t, i, _)| (t, i) != (&table, &index));
        if is_next {
            indexes.push((table, index, Some(Vec::new())));
        }
        let exact = prefix.is_none() && nullable.as_deref() != Some("YES");
        if let Some((_, _, columns)) = indexes.last_mut() {
            let longer = columns.take().zip(column.filter(|_| exact));
            *columns = longer.map(|(mut columns, column)| {
                columns.push(column);
                columns
            });
        }
    }
    let mut keys = HashMap::new();
    for (table, _, columns) in indexes {
        if let Some(columns) = columns {
            keys.entry(table).or_insert(columns);
        }
    }
    Ok(Indexes { keys, hashed })
}

fn signature(columns: &[Column]) -> Vec<u8> {
    let mut signature = Vec::new();
    push_length(&mut signature, columns.len());
    signature.extend(columns.iter().map(|column| column.kind.code()));
    let mut meta = Vec::new();
    for column in columns {
        column.kind.push_meta(&mut meta);
    }
    push_length(&mut signature, meta.len());
    signature.extend(meta);
    signature
}

/// Appends a number below 65536 as the binary log has lengths.
pub(super) fn push_length(out: &mut Vec<u8>, length: usize) {
    match length {
        0..=250 => out.push(length as u8),
        _ => {
            out.push(252);
            out.extend((length as u16).to_le_bytes());
        }
    }
}
