use std::sync::Arc;

use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{Row as SqlRow, ToSql};

use crate::{Row, Value};

/// A row as it is stored: what identifies it, and what is needed besides to write it again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Image {
    pub(super) values: Row,
    /// The columns whose bytes are text that is not UTF-8, which a `Value` can hold as bytes only.
    odd_text: Option<Arc<[usize]>>,
}

impl Image {
    pub(super) fn of(values: impl Into<Row>) -> Self {
        Self {
            values: values.into(),
            odd_text: None,
        }
    }

    /// Reads `count` columns of a result, beginning with `first`.
    pub(super) fn read(row: &SqlRow<'_>, first: usize, count: usize) -> rusqlite::Result<Self> {
        let mut odd_text = Vec::new();
        let values = (0..count)
            .map(|column| {
                Ok(match row.get_ref(first + column)? {
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
                })
            })
            .collect::<rusqlite::Result<Vec<_>>>()?;
        Ok(Self {
            values: values.into(),
            odd_text: (!odd_text.is_empty()).then(|| odd_text.into()),
        })
    }

    /// The value of a column, ready to be bound to a statement.
    pub(super) fn bound(&self, column: usize) -> Bound<'_> {
        let odd = self.odd_text.as_ref();
        Bound {
            value: &self.values[column],
            as_text: odd.is_some_and(|columns| columns.contains(&column)),
        }
    }

    /// About what it takes in memory.
    pub(super) fn bytes(&self) -> usize {
        let heap = |value: &Value| match value {
            Value::Text(text) | Value::Decimal(text) => text.len() + 16,
            Value::Bytes(bytes) => bytes.len() + 16,
            _ => 0,
        };
        let cells: usize = self.values.iter().map(heap).sum();
        48 + self.values.len() * size_of::<Value>() + cells
    }
}

/// A value on its way into a statement.
pub(super) struct Bound<'a> {
    value: &'a Value,
    as_text: bool,
}

impl<'a> From<&'a Value> for Bound<'a> {
    fn from(value: &'a Value) -> Self {
        let as_text = false;
        Self { value, as_text }
    }
}

impl ToSql for Bound<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self.value {
            Value::Null => ValueRef::Null,
            Value::Bool(value) => ValueRef::Integer((*value).into()),
            Value::Int(value) => ValueRef::Integer(*value),
            Value::Float(value) => ValueRef::Real(*value),
            Value::Decimal(text) | Value::Text(text) => ValueRef::Text(text.as_bytes()),
            Value::Bytes(bytes) if self.as_text => ValueRef::Text(bytes),
            Value::Bytes(bytes) => ValueRef::Blob(bytes),
        }))
    }
}
