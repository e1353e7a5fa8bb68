use std::ops::Index;
use std::sync::Arc;

use crate::{Error, Result, Row, Value};

/// One row of a query's answer, its values by column name.
///
/// ```
/// # use venomqa_adapters::{Record, Result};
/// # fn check(record: Record) -> Result<()> {
/// let refunded: i64 = record.get("refunded")?;
/// let note: Option<String> = record.get("note")?;      // None: SQL NULL
/// # Ok(()) }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    columns: Arc<[String]>,
    values: Row,
}

impl Record {
    /// A record of these values under these names, as many of one as of the other.
    pub fn new(columns: Arc<[String]>, values: Row) -> Self {
        debug_assert_eq!(columns.len(), values.len());
        Self { columns, values }
    }

    /// The value of a column, converted.
    ///
    /// # Errors
    ///
    /// There is no such column, or its value is not of the type.
    pub fn get<T: FromValue>(&self, column: &str) -> Result<T> {
        let value = self.value(column).ok_or_else(|| Error::NoColumn {
            column: column.into(),
            columns: self.columns.to_vec(),
        })?;
        T::from_value(value).ok_or_else(|| Error::WrongType {
            column: column.into(),
            found: value.type_name().into(),
            wanted: std::any::type_name::<T>(),
        })
    }

    /// The value of a column as it came, or `None` where there is no such column.
    pub fn value(&self, column: &str) -> Option<&Value> {
        self.columns
            .iter()
            .position(|name| name == column)
            .map(|i| &self.values[i])
    }

    /// The names of the columns.
    pub fn columns(&self) -> &[String] {
        &self.columns
    }

    /// The values, in the order of the columns.
    pub fn values(&self) -> &[Value] {
        &self.values
    }
}

/// The value of a column, as `record["amount"]`.
///
/// # Panics
///
/// There is no such column.
impl Index<&str> for Record {
    type Output = Value;

    fn index(&self, column: &str) -> &Value {
        self.value(column).unwrap_or_else(|| {
            panic!(
                "no column `{column}`; there are {}",
                self.columns.join(", ")
            )
        })
    }
}

/// A Rust type that a [`Value`] converts to, without loss.
pub trait FromValue: Sized {
    /// The value as this type, or `None` if it is of another.
    fn from_value(value: &Value) -> Option<Self>;
}

macro_rules! from_value {
    ($($type:ty: $($pattern:pat => $value:expr),+;)+) => {
        $(impl FromValue for $type {
            fn from_value(value: &Value) -> Option<Self> {
                match value {
                    $($pattern => $value,)+
                    _ => None,
                }
            }
        })+
    };
}

from_value! {
    // SQLite and MySQL keep truth values as 0 and 1.
    bool: Value::Bool(v) => Some(*v), Value::Int(0) => Some(false), Value::Int(1) => Some(true);
    i64: Value::Int(v) => Some(*v);
    i32: Value::Int(v) => (*v).try_into().ok();
    u64: Value::Int(v) => (*v).try_into().ok(), Value::Decimal(v) => v.parse().ok();
    u32: Value::Int(v) => (*v).try_into().ok();
    usize: Value::Int(v) => (*v).try_into().ok();
    f64: Value::Float(v) => Some(*v);
    String: Value::Text(v) | Value::Decimal(v) => Some(v.to_string());
    Vec<u8>: Value::Bytes(v) => Some(v.to_vec());
}

impl FromValue for Value {
    fn from_value(value: &Value) -> Option<Self> {
        Some(value.clone())
    }
}

impl<T: FromValue> FromValue for Option<T> {
    fn from_value(value: &Value) -> Option<Self> {
        match value {
            Value::Null => Some(None),
            value => T::from_value(value).map(Some),
        }
    }
}

/// The values for the placeholders of a statement: `()` for none, an array of one type, or a tuple of up to eight.
pub trait Params {
    /// The values, in order.
    fn into_values(self) -> Vec<Value>;

    /// The values, as a row.
    fn into_row(self) -> Row
    where
        Self: Sized,
    {
        self.into_values().into()
    }
}

impl Params for () {
    fn into_values(self) -> Vec<Value> {
        Vec::new()
    }
}

impl Params for Vec<Value> {
    fn into_values(self) -> Vec<Value> {
        self
    }
}

impl Params for Row {
    fn into_values(self) -> Vec<Value> {
        self.to_vec()
    }

    fn into_row(self) -> Row {
        self
    }
}

impl<T: Into<Value>, const N: usize> Params for [T; N] {
    fn into_values(self) -> Vec<Value> {
        self.into_iter().map(Into::into).collect()
    }

    fn into_row(self) -> Row {
        self.map(Into::into).into()
    }
}

macro_rules! params_tuple {
    ($($name:ident),+) => {
        impl<$($name: Into<Value>),+> Params for ($($name,)+) {
            fn into_values(self) -> Vec<Value> {
                #[expect(non_snake_case, reason = "the type parameters name the elements too")]
                let ($($name,)+) = self;
                vec![$($name.into()),+]
            }

            fn into_row(self) -> Row {
                #[expect(non_snake_case, reason = "the type parameters name the elements too")]
                let ($($name,)+) = self;
                [$($name.into()),+].into()
            }
        }
    };
}

params_tuple!(A);
params_tuple!(A, B);
params_tuple!(A, B, C);
params_tuple!(A, B, C, D);
params_tuple!(A, B, C, D, E);
params_tuple!(A, B, C, D, E, F);
params_tuple!(A, B, C, D, E, F, G);
params_tuple!(A, B, C, D, E, F, G, H);
