use std::fmt;
use std::sync::Arc;

use crate::{Error, Result, Row, Table, Value};

/// The values of a row's key columns: `1`, `"k1"`, or `[1, 2]` for a key of two columns.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key(Id);

// One value is by far the most frequent key, and then needs no allocation.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Id {
    One(Value),
    Many(Arc<[Value]>),
}

impl Key {
    fn many(values: Vec<Value>) -> Self {
        match <[Value; 1]>::try_from(values) {
            Ok([value]) => Self(Id::One(value)),
            Err(values) => Self(Id::Many(values.into())),
        }
    }

    /// Not greater than any other.
    pub(super) fn least() -> Self {
        Self(Id::One(Value::Null))
    }

    fn len(&self) -> usize {
        match &self.0 {
            Id::One(_) => 1,
            Id::Many(values) => values.len(),
        }
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let values = match &self.0 {
            Id::One(value) => std::slice::from_ref(value),
            Id::Many(values) => values,
        };
        f.write_str("key ")?;
        for (i, value) in values.iter().enumerate() {
            write!(f, "{}{value}", if i == 0 { "" } else { "," })?;
        }
        Ok(())
    }
}

macro_rules! key_from {
    ($($from:ty),+) => {
        $(impl From<$from> for Key {
            fn from(value: $from) -> Self {
                Self(Id::One(value.into()))
            }
        })+
    };
}

key_from!(bool, i32, i64, u32, &str, String, &String, Value);

impl<T: Into<Value>, const N: usize> From<[T; N]> for Key {
    fn from(values: [T; N]) -> Self {
        Self::many(values.into_iter().map(Into::into).collect())
    }
}

impl From<Vec<Value>> for Key {
    fn from(values: Vec<Value>) -> Self {
        Self::many(values)
    }
}

/// Where a row lives: its table's position in the schema, and its key.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Place {
    pub(super) table: u32,
    pub(super) key: Key,
}

/// The tables there are. Only ever grows, so that a table's position stays the same down a branch.
#[derive(Clone, Debug, Default)]
pub(super) struct Schema(Arc<Vec<Arc<Table>>>);

impl Schema {
    pub(super) fn tables(&self) -> &[Arc<Table>] {
        &self.0
    }

    pub(super) fn table(&self, at: u32) -> &Arc<Table> {
        &self.0[at as usize]
    }

    pub(super) fn find(&self, name: &str) -> Result<(u32, &Arc<Table>)> {
        let at = self.0.iter().position(|table| table.name == name);
        let at = at.ok_or_else(|| {
            let names: Vec<_> = self.0.iter().map(|table| table.name.as_str()).collect();
            refuse(
                format!("find table `{name}`"),
                format!("the tables are: {}", names.join(", ")),
            )
        })?;
        Ok((at as u32, &self.0[at]))
    }

    pub(super) fn add(&mut self, name: &str, columns: &[&str], key: &[&str]) -> Result<()> {
        let doing = || format!("create table `{name}`");
        if self.0.iter().any(|table| table.name == name) {
            return Err(refuse(doing(), "it exists already".into()));
        }
        let position = |key: &&str| {
            columns
                .iter()
                .position(|column| column == key)
                .ok_or_else(|| refuse(doing(), format!("its key `{key}` is none of its columns")))
        };
        let table = Table {
            name: name.into(),
            columns: columns.iter().map(|&column| column.into()).collect(),
            key: key.iter().map(position).collect::<Result<_>>()?,
        };
        Arc::make_mut(&mut self.0).push(Arc::new(table));
        Ok(())
    }

    /// The place of a row that has a key.
    pub(super) fn place_of(&self, table: u32, row: &Row) -> Place {
        let key = match self.table(table).key.as_slice() {
            [column] => Key(Id::One(row[*column].clone())),
            columns => Key::many(columns.iter().map(|&column| row[column].clone()).collect()),
        };
        Place { table, key }
    }

    /// The place of the row with this key.
    pub(super) fn place(&self, table: u32, key: Key) -> Result<Place> {
        let shape = self.table(table);
        if key.len() != shape.key.len() {
            let why = format!("its key has {} columns, not {}", shape.key.len(), key.len());
            return Err(refuse(
                format!("find a row of `{}` by key", shape.name),
                why,
            ));
        }
        Ok(Place { table, key })
    }
}

/// The place of a row of a table without a key, told apart by a hidden number.
pub(super) fn hidden_place(table: u32, number: i64) -> Place {
    let key = Key(Id::One(Value::Int(number)));
    Place { table, key }
}

pub(super) fn refuse(doing: String, why: String) -> Error {
    Error::Database {
        system: "the mock".into(),
        doing,
        source: why.into(),
    }
}
