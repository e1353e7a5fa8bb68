use std::sync::Arc;

use super::charset::Charset;
use super::decimal;
use super::temporal::fraction_size;

/// A column of a followed table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Column {
    pub(super) name: String,
    pub(super) kind: Kind,
    pub(super) nullable: bool,
    /// Whether the server computes it.
    pub(super) generated: bool,
}

/// The type of a column, as far as its bytes in the binary log depend on it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Int {
        bytes: u8,
        unsigned: bool,
    },
    Float,
    Double,
    Decimal {
        precision: u8,
        scale: u8,
    },
    Year,
    Date,
    Time {
        digits: u8,
    },
    DateTime {
        digits: u8,
    },
    Timestamp {
        digits: u8,
    },
    /// `CHAR` and `BINARY`, stored without what fills them up.
    Char {
        octets: u16,
        charset: Charset,
    },
    VarChar {
        octets: u16,
        charset: Charset,
    },
    /// `BLOB` and `TEXT` of a size, and MariaDB's `JSON`; `length` is how many bytes their length takes.
    Blob {
        length: u8,
        charset: Charset,
    },
    Geometry,
    Enum {
        bytes: u8,
        labels: Arc<[String]>,
    },
    Set {
        bytes: u8,
        labels: Arc<[String]>,
    },
    Bit {
        bits: u8,
    },
    /// MySQL's `JSON`. It is read as text and kept as the value that the text tells.
    Json,
    /// MariaDB's `UUID`, `INET6` and `INET4`, stored as `BINARY`.
    Address(Address),
}

/// What the bytes of a type that MariaDB adds mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Address {
    Uuid,
    Inet6,
    Inet4,
}

impl Address {
    pub(super) fn octets(self) -> u16 {
        match self {
            Self::Uuid | Self::Inet6 => 16,
            Self::Inet4 => 4,
        }
    }
}

/// What `information_schema.columns` says of a column.
#[derive(Debug)]
pub(super) struct Described {
    pub(super) data_type: String,
    /// With the size and the labels: `enum('a','b')`.
    pub(super) column_type: String,
    pub(super) octets: Option<u64>,
    pub(super) precision: Option<u64>,
    pub(super) scale: Option<u64>,
    pub(super) digits: Option<u64>,
    pub(super) charset: Option<String>,
}

impl Kind {
    /// The type, unless its bytes are not known here.
    pub(super) fn of(column: &Described) -> Option<Self> {
        let charset = Charset::named(column.charset.as_deref());
        let digits = u8::try_from(column.digits.unwrap_or(0)).ok()?;
        let octets = || u16::try_from(column.octets?).ok();
        let unsigned = column.column_type.contains("unsigned");
        let int = |bytes| Some(Self::Int { bytes, unsigned });
        let blob = |length| Some(Self::Blob { length, charset });
        let labels = || labels(&column.column_type);
        // Comments tell of what is stored in another way, such as compressed or as by old versions.
        if column.column_type.contains("/*") && !matches!(&*column.data_type, "enum" | "set") {
            return None;
        }
        match &*column.data_type {
            "tinyint" => int(1),
            "smallint" => int(2),
            "mediumint" => int(3),
            "int" => int(4),
            "bigint" => int(8),
            "float" => Some(Self::Float),
            "double" => Some(Self::Double),
            "decimal" => Some(Self::Decimal {
                precision: column.precision?.try_into().ok()?,
                scale: column.scale?.try_into().ok()?,
            }),
            "year" => Some(Self::Year),
            "date" => Some(Self::Date),
            "time" => Some(Self::Time { digits }),
            "datetime" => Some(Self::DateTime { digits }),
            "timestamp" => Some(Self::Timestamp { digits }),
            "char" | "binary" => Some(Self::Char {
                octets: octets()?,
                charset,
            }),
            "varchar" | "varbinary" => Some(Self::VarChar {
                octets: octets()?,
                charset,
            }),
            "tinyblob" | "tinytext" => blob(1),
            "blob" | "text" => blob(2),
            "mediumblob" | "mediumtext" => blob(3),
            "longblob" | "longtext" => blob(4),
            "geometry" | "point" | "linestring" | "polygon" | "multipoint" | "multilinestring"
            | "multipolygon" | "geometrycollection" | "geomcollection" => Some(Self::Geometry),
            "enum" => {
                let labels = labels()?;
                let bytes = if labels.len() < 256 { 1 } else { 2 };
                Some(Self::Enum { bytes, labels })
            }
            "set" => {
                let labels = labels()?;
                let bytes = match labels.len().div_ceil(8) {
                    0..=4 => labels.len().div_ceil(8) as u8,
                    _ => 8,
                };
                Some(Self::Set { bytes, labels })
            }
            "bit" => Some(Self::Bit {
                bits: column.precision?.try_into().ok()?,
            }),
            "json" => Some(Self::Json),
            "uuid" => Some(Self::Address(Address::Uuid)),
            "inet6" => Some(Self::Address(Address::Inet6)),
            "inet4" => Some(Self::Address(Address::Inet4)),
            _ => None,
        }
    }

    /// The number of this type in the map of a table, which precedes its rows in the binary log.
    pub(super) fn code(&self) -> u8 {
        match self {
            Self::Int { bytes: 1, .. } => 1,
            Self::Int { bytes: 2, .. } => 2,
            Self::Int { bytes: 3, .. } => 9,
            Self::Int { bytes: 4, .. } => 3,
            Self::Int { .. } => 8,
            Self::Float => 4,
            Self::Double => 5,
            Self::Decimal { .. } => 246,
            Self::Year => 13,
            Self::Date => 10,
            Self::Time { .. } => 19,
            Self::DateTime { .. } => 18,
            Self::Timestamp { .. } => 17,
            Self::Char { .. } | Self::Enum { .. } | Self::Set { .. } | Self::Address(_) => 254,
            Self::VarChar { .. } => 15,
            Self::Blob { .. } => 252,
            Self::Json => 245,
            Self::Geometry => 255,
            Self::Bit { .. } => 16,
        }
    }

    /// What the map of a table says of this type besides.
    pub(super) fn push_meta(&self, out: &mut Vec<u8>) {
        match self {
            Self::Int { .. } | Self::Year | Self::Date => {}
            Self::Float => out.push(4),
            Self::Double => out.push(8),
            Self::Decimal { precision, scale } => out.extend([*precision, *scale]),
            Self::Time { digits } | Self::DateTime { digits } | Self::Timestamp { digits } => {
                out.push(*digits);
            }
            Self::Char { octets, .. } => out.extend(char_meta(*octets)),
            Self::Address(address) => out.extend(char_meta(address.octets())),
            Self::VarChar { octets, .. } => out.extend(octets.to_le_bytes()),
            Self::Blob { length, .. } => out.push(*length),
            Self::Geometry | Self::Json => out.push(4),
            Self::Enum { bytes, .. } => out.extend([247, *bytes]),
            Self::Set { bytes, .. } => out.extend([248, *bytes]),
            Self::Bit { bits } => out.extend([bits % 8, bits / 8]),
        }
    }

    /// How many bytes the cell takes that these begin with, or nothing if they end before it does.
    pub(super) fn size(&self, bytes: &[u8]) -> Option<usize> {
        let prefixed = |length: usize| {
            let prefix = bytes.get(..length)?;
            let size = prefix
                .iter()
                .rev()
                .fold(0, |size, byte| size << 8 | usize::from(*byte));
            size.checked_add(length)
        };
        let size = match self {
            Self::Int { bytes, .. } | Self::Enum { bytes, .. } | Self::Set { bytes, .. } => {
                usize::from(*bytes)
            }
            Self::Float => 4,
            Self::Double => 8,
            Self::Decimal { precision, scale } => decimal::size(*precision, *scale),
            Self::Year => 1,
            Self::Date => 3,
            Self::Time { digits } => 3 + fraction_size(*digits),
            Self::DateTime { digits } => 5 + fraction_size(*digits),
            Self::Timestamp { digits } => 4 + fraction_size(*digits),
            Self::Char { octets, .. } | Self::VarChar { octets, .. } => prefixed(prefix(*octets))?,
            Self::Address(_) => prefixed(1)?,
            Self::Blob { length, .. } => prefixed((*length).into())?,
            Self::Geometry | Self::Json => prefixed(4)?,
            Self::Bit { bits } => usize::from(*bits).div_ceil(8),
        };
        (size <= bytes.len()).then_some(size)
    }
}

/// How many bytes the length of a string takes that has at most so many.
pub(super) fn prefix(octets: u16) -> usize {
    if octets > 255 { 2 } else { 1 }
}

/// The type and size of a string, of which the highest bits of the size hide in the type.
fn char_meta(octets: u16) -> [u8; 2] {
    [254 ^ ((octets >> 8) as u8 & 3) << 4, octets as u8]
}

/// The labels of `enum('a','it''s')`.
fn labels(column_type: &str) -> Option<Arc<[String]>> {
    let (_, list) = column_type.split_once('(')?;
    let mut labels = Vec::new();
    let mut rest = list.chars().peekable();
    loop {
        if rest.next()? != '\'' {
            return None;
        }
        let mut label = String::new();
        loop {
            match rest.next()? {
                '\'' if rest.next_if_eq(&'\'').is_none() => break,
                '\\' => label.push(match rest.next()? {
                    'n' => '\n',
                    'r' => '\r',
                    't' => '\t',
                    '0' => '\0',
                    other => other,
                }),
                other => label.push(other),
            }
        }
        labels.push(label);
        match rest.next()? {
            ',' => {}
            ')' => return Some(labels.into()),
            _ => return None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_read_as_they_were_declared() {
        let check = |column_type: &str, expected: &[&str]| {
            let read = labels(column_type).expect("a list");
            assert_eq!(&*read, expected, "{column_type}");
        };
        check("enum('a','b')", &["a", "b"]);
        check("set('it''s','a,b','')", &["it's", "a,b", ""]);
        check("enum('a\\\\b','ü)')", &["a\\b", "ü)"]);
        assert_eq!(labels("enum('a"), None);
    }

    #[test]
    fn long_strings_hide_their_size() {
        assert_eq!(char_meta(10), [0xfe, 10]);
        // CHAR(200) in utf8mb4, as a MariaDB 10.11 wrote it.
        assert_eq!(char_meta(800), [0xce, 0x20]);
    }
}
