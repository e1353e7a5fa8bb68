use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

/// One cell of a row, typed.
///
/// Equality is identity, not arithmetic: `Int(1)` is not `Float(1.0)`, and a NaN equals the same NaN.
#[derive(Clone, Debug)]
pub enum Value {
    /// SQL NULL.
    Null,
    /// A truth value.
    Bool(bool),
    /// A whole number of at most 64 bits.
    Int(i64),
    /// A binary floating-point number.
    Float(f64),
    /// An exact number that fits neither `Int` nor `Float`, in its canonical text.
    Decimal(Arc<str>),
    /// Text. JSON documents, dates, UUIDs and the like arrive as the text that the database prints.
    Text(Arc<str>),
    /// Bytes.
    Bytes(Arc<[u8]>),
}

impl Value {
    /// The name of the type, as messages show it.
    pub fn type_name(&self) -> &'static str {
        match self {
            Self::Null => "NULL",
            Self::Bool(_) => "a truth value",
            Self::Int(_) => "a whole number",
            Self::Float(_) => "a floating-point number",
            Self::Decimal(_) => "a decimal number",
            Self::Text(_) => "text",
            Self::Bytes(_) => "bytes",
        }
    }

    fn rank(&self) -> u8 {
        match self {
            Self::Null => 0,
            Self::Bool(_) => 1,
            Self::Int(_) => 2,
            Self::Float(_) => 3,
            Self::Decimal(_) => 4,
            Self::Text(_) => 5,
            Self::Bytes(_) => 6,
        }
    }
}

impl Ord for Value {
    fn cmp(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Bool(a), Self::Bool(b)) => a.cmp(b),
            (Self::Int(a), Self::Int(b)) => a.cmp(b),
            (Self::Float(a), Self::Float(b)) => a.total_cmp(b),
            (Self::Decimal(a), Self::Decimal(b)) | (Self::Text(a), Self::Text(b)) => a.cmp(b),
            (Self::Bytes(a), Self::Bytes(b)) => a.cmp(b),
            _ => self.rank().cmp(&other.rank()),
        }
    }
}

impl PartialOrd for Value {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Value {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Value {}

impl Hash for Value {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.rank().hash(state);
        match self {
            Self::Null => {}
            Self::Bool(v) => v.hash(state),
            Self::Int(v) => v.hash(state),
            Self::Float(v) => v.to_bits().hash(state),
            Self::Decimal(v) | Self::Text(v) => v.hash(state),
            Self::Bytes(v) => v.hash(state),
        }
    }
}

/// The value as reports show it: text bare unless it is empty, bytes in hexadecimal, SQL NULL as `NULL`.
impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("NULL"),
            Self::Bool(v) => v.fmt(f),
            Self::Int(v) => v.fmt(f),
            Self::Float(v) => v.fmt(f),
            Self::Text(v) if v.is_empty() => f.write_str("\"\""),
            Self::Decimal(v) | Self::Text(v) => f.write_str(v),
            Self::Bytes(v) => {
                f.write_str("0x")?;
                v.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
            }
        }
    }
}

macro_rules! value_from {
    ($($from:ty => |$v:ident| $into:expr),+ $(,)?) => {
        $(impl From<$from> for Value {
            fn from($v: $from) -> Self {
                $into
            }
        })+
    };
}

value_from! {
    bool => |v| Self::Bool(v),
    i32 => |v| Self::Int(v.into()),
    i64 => |v| Self::Int(v),
    u32 => |v| Self::Int(v.into()),
    f64 => |v| Self::Float(v),
    &str => |v| Self::Text(v.into()),
    String => |v| Self::Text(v.into()),
    &String => |v| Self::Text(v.as_str().into()),
    &[u8] => |v| Self::Bytes(v.into()),
    Vec<u8> => |v| Self::Bytes(v.into()),
}

impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

/// A table, collection or key space: the shape of its rows.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Table {
    /// The name, qualified where the system has several schemas (`billing.orders`).
    pub name: String,
    /// The names of the columns, in the order of a row's values.
    pub columns: Vec<String>,
    /// The positions in `columns` of those that tell the rows apart; empty where nothing does.
    pub key: Vec<usize>,
}

impl Table {
    /// The position of a column.
    pub fn column(&self, name: &str) -> Option<usize> {
        self.columns.iter().position(|column| column == name)
    }
}

/// The values of one row, in the order of [`Table::columns`].
pub type Row = Arc<[Value]>;

/// One row that differs between two points in time.
///
/// A row that came has no `old`, one that went has no `new`. In a table without a key an update shows as two
/// changes, one row gone and one come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RowChange {
    /// Where the row lives.
    pub table: Arc<Table>,
    /// Its values before.
    pub old: Option<Row>,
    /// Its values after.
    pub new: Option<Row>,
}

impl RowChange {
    /// The values of the key columns, old if the row was there before.
    pub fn key(&self) -> impl Iterator<Item = &Value> {
        let row = self.old.as_ref().or(self.new.as_ref());
        row.into_iter()
            .flat_map(|row| self.table.key.iter().filter_map(|&column| row.get(column)))
    }
}

/// One line for a person: `orders#1: refunded 100 -> 200`, `orders#2 added: amount 5, status new`, `orders#2 removed`.
impl fmt::Display for RowChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.shown(|_| false).fmt(f)
    }
}

impl RowChange {
    /// The same line without the values of some columns: `users#1: password [redacted] -> [redacted]`.
    pub fn shown(&self, hides: impl Fn(&str) -> bool) -> impl fmt::Display {
        fmt::from_fn(move |f| {
            let named = |column: usize| self.table.columns.get(column).map_or("?", String::as_str);
            let value = |column: usize, value: &Value| match hides(named(column)) {
                true => "[redacted]".into(),
                false => value.to_string(),
            };
            f.write_str(&self.table.name)?;
            let row = self.old.as_ref().or(self.new.as_ref());
            for (i, &column) in self.table.key.iter().enumerate() {
                if let Some(key) = row.and_then(|row| row.get(column)) {
                    write!(
                        f,
                        "{}{}",
                        if i == 0 { "#" } else { "," },
                        value(column, key)
                    )?;
                }
            }
            let mut parts = Vec::new();
            let whole = |row: &Row, parts: &mut Vec<String>| {
                let shown = row.iter().enumerate();
                let shown = shown.filter(|(column, _)| !self.table.key.contains(column));
                parts.extend(
                    shown.map(|(column, v)| format!("{} {}", named(column), value(column, v))),
                );
            };
            match (&self.old, &self.new) {
                (Some(old), Some(new)) => {
                    let cells = old.iter().zip(new.iter()).enumerate();
                    let changed = cells.filter(|(_, (old, new))| old != new);
                    parts.extend(changed.map(|(column, (old, new))| {
                        let (old, new) = (value(column, old), value(column, new));
                        format!("{} {old} -> {new}", named(column))
                    }));
                }
                (None, Some(new)) => {
                    f.write_str(" added")?;
                    whole(new, &mut parts);
                }
                (Some(old), None) => {
                    f.write_str(" removed")?;
                    if self.table.key.is_empty() {
                        whole(old, &mut parts);
                    }
                }
                (None, None) => f.write_str(" removed")?,
            }
            if parts.is_empty() {
                Ok(())
            } else {
                write!(f, ": {}", parts.join(", "))
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(old: Option<&[Value]>, new: Option<&[Value]>, shown: &str) {
        let columns = ["id", "amount", "status"].map(String::from).to_vec();
        let table = Arc::new(Table {
            name: "orders".into(),
            columns,
            key: vec![0],
        });
        let change = RowChange {
            table,
            old: old.map(Arc::from),
            new: new.map(Arc::from),
        };
        assert_eq!(change.to_string(), shown);
    }

    #[test]
    fn what_is_hidden_is_not_shown() {
        let columns = ["id", "token"].map(String::from).to_vec();
        let table = Arc::new(Table {
            name: "users".into(),
            columns,
            key: vec![0],
        });
        let row = |token: &str| Some(Row::from([1.into(), token.into()]));
        let change = RowChange {
            table,
            old: row("one"),
            new: row("other"),
        };
        let hides = |column: &str| column == "token";
        assert_eq!(
            change.shown(hides).to_string(),
            "users#1: token [redacted] -> [redacted]"
        );
    }

    #[test]
    fn a_change_names_only_what_changed() {
        let (old, new) = (
            [1.into(), 5.into(), "new".into()],
            [1.into(), 5.into(), "paid".into()],
        );
        check(Some(&old), Some(&new), "orders#1: status new -> paid");
        check(None, Some(&new), "orders#1 added: amount 5, status paid");
        check(Some(&old), None, "orders#1 removed");
        let blank = [1.into(), Value::Null, "".into()];
        check(
            None,
            Some(&blank),
            "orders#1 added: amount NULL, status \"\"",
        );
    }

    #[test]
    fn values_of_different_types_are_different() {
        assert_ne!(Value::Int(1), Value::Float(1.0));
        assert_ne!(
            Value::Text("1".into()),
            Value::Bytes(b"1".as_slice().into())
        );
        assert_eq!(Value::Float(f64::NAN), Value::Float(f64::NAN));
        assert_ne!(Value::Float(0.0), Value::Float(-0.0));
    }
}
