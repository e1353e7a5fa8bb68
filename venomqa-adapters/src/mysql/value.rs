//! Cells of a row, as they lie in the binary log, and what they mean.

use std::net::{Ipv4Addr, Ipv6Addr};

use mysql_async::Value as SqlValue;

use super::column::{Address, Column, Kind, prefix};
use super::json::Json;
use super::{decimal, jsonb, temporal};
use crate::Value;

impl Kind {
    /// What a cell of this type means.
    pub(super) fn value(&self, cell: &[u8]) -> Value {
        let string = |length: usize| cell.get(length..).unwrap_or_default();
        match self {
            Self::Int { bytes, unsigned } => int(cell, *bytes, *unsigned),
            Self::Float => {
                let bytes = cell.first_chunk().copied().unwrap_or_default();
                Value::Float(short(f32::from_le_bytes(bytes)))
            }
            Self::Double => {
                let bytes = cell.first_chunk().copied().unwrap_or_default();
                Value::Float(f64::from_le_bytes(bytes))
            }
            Self::Decimal { precision, scale } => {
                Value::Decimal(decimal::decode(cell, *precision, *scale).into())
            }
            Self::Year => match cell.first() {
                None | Some(0) => "0000".into(),
                Some(year) => (1900 + i32::from(*year)).to_string().into(),
            },
            Self::Date => {
                let bytes = cell.first_chunk().copied().unwrap_or_default();
                temporal::decode_date(bytes).into()
            }
            Self::Time { digits } => temporal::decode_time(cell, *digits).into(),
            Self::DateTime { digits } => temporal::decode_datetime(cell, *digits).into(),
            Self::Timestamp { digits } => temporal::decode_timestamp(cell, *digits).into(),
            Self::Char { octets, charset } if *charset == super::charset::Charset::Binary => {
                Value::Bytes(filled(string(prefix(*octets)), *octets).into())
            }
            Self::Char { octets, charset } | Self::VarChar { octets, charset } => {
                charset.value(string(prefix(*octets)))
            }
            Self::Blob { length, charset } => charset.value(string((*length).into())),
            Self::Json => match jsonb::decode(string(4)) {
                Some(value) => value.to_string().into(),
                None => Value::Bytes(string(4).into()),
            },
            Self::Geometry => Value::Bytes(string(4).into()),
            Self::Enum { labels, .. } => {
                let number = little_endian(cell) as usize;
                // 0 is what a value became that is no label.
                let label = number.checked_sub(1).and_then(|at| labels.get(at));
                label.map_or("", String::as_str).into()
            }
            Self::Set { labels, .. } => {
                let set = little_endian(cell);
                let there = labels
                    .iter()
                    .enumerate()
                    .filter(|(at, _)| set >> at & 1 == 1);
                let there: Vec<_> = there.map(|(_, label)| label.as_str()).collect();
                there.join(",").into()
            }
            Self::Bit { .. } => Value::Bytes(cell.into()),
            Self::Address(address) => address.value(&filled(string(1), address.octets())),
        }
    }

    /// Appends the cell for a value that was [selected](Column::selected), or says that it is none of this type.
    fn push_cell(&self, value: &SqlValue, out: &mut Vec<u8>) -> Option<()> {
        match (self, value) {
            (
                Self::Int { bytes, .. } | Self::Enum { bytes, .. } | Self::Set { bytes, .. },
                value,
            ) => {
                let number = whole(value)?.to_le_bytes();
                out.extend_from_slice(number.get(..usize::from(*bytes))?);
            }
            (Self::Bit { bits }, value) => {
                let size = usize::from(*bits).div_ceil(8);
                out.extend_from_slice(&whole(value)?.to_be_bytes()[8 - size..]);
            }
            (Self::Year, value) => out.push(u8::try_from(whole(value)?.saturating_sub(1900)).ok()?),
            (Self::Float, SqlValue::Float(number)) => out.extend(number.to_le_bytes()),
            (Self::Double, SqlValue::Double(number)) => out.extend(number.to_le_bytes()),
            (Self::Decimal { precision, scale }, SqlValue::Bytes(text)) => {
                decimal::encode(text, *precision, *scale, out)?;
            }
            (Self::Date, value) => temporal::encode_date(value, out)?,
            (Self::Time { digits }, value) => temporal::encode_time(value, *digits, out)?,
            (Self::DateTime { digits }, value) => temporal::encode_datetime(value, *digits, out)?,
            (Self::Timestamp { digits }, value) => temporal::encode_timestamp(value, *digits, out)?,
            (Self::Char { octets, charset }, SqlValue::Bytes(bytes)) => {
                let bytes = match charset {
                    super::charset::Charset::Binary => without_fill(bytes),
                    _ => bytes,
                };
                push_string(bytes, prefix(*octets), out)?;
            }
            (Self::Address(_), SqlValue::Bytes(bytes)) => push_string(without_fill(bytes), 1, out)?,
            (Self::VarChar { octets, .. }, SqlValue::Bytes(bytes)) => {
                push_string(bytes, prefix(*octets), out)?;
            }
            (Self::Blob { length, .. }, SqlValue::Bytes(bytes)) => {
                push_string(bytes, (*length).into(), out)?;
            }
            (Self::Json, SqlValue::Bytes(text)) => {
                let value = Json::parse(std::str::from_utf8(text).ok()?)?;
                push_json(&value, out)?;
            }
            (Self::Geometry, SqlValue::Bytes(bytes)) => push_string(bytes, 4, out)?,
            _ => return None,
        }
        Some(())
    }
}

impl Kind {
    /// Appends a cell of the binary log as it is kept, where a server may write equal values in different ways.
    pub(super) fn push_equal(&self, cell: &[u8], out: &mut Vec<u8>) -> Option<()> {
        match self {
            Self::Json => push_json(&jsonb::decode(cell.get(4..)?)?, out),
            _ => {
                out.extend(cell);
                Some(())
            }
        }
    }

    /// Whether a server writes equal values in different ways.
    pub(super) fn is_ambiguous(&self) -> bool {
        *self == Self::Json
    }
}

fn push_json(value: &Json, out: &mut Vec<u8>) -> Option<()> {
    let mut bytes = Vec::new();
    jsonb::encode(value, &mut bytes)?;
    push_string(&bytes, 4, out)
}

impl Column {
    /// What to select for the exact contents of this column, given its quoted name.
    pub(super) fn selected(&self, name: &str) -> String {
        match &self.kind {
            Kind::Enum { .. } | Kind::Set { .. } | Kind::Bit { .. } => {
                format!("CAST({name} AS UNSIGNED)")
            }
            Kind::Address(address) => format!("CAST({name} AS BINARY({}))", address.octets()),
            _ => name.into(),
        }
    }

    /// Appends the cell for what was selected, which is not NULL.
    pub(super) fn push_cell(&self, value: &SqlValue, out: &mut Vec<u8>) -> Option<()> {
        self.kind.push_cell(value, out)
    }
}

impl Address {
    fn value(self, bytes: &[u8]) -> Value {
        let text = match self {
            Self::Inet4 => Ipv4Addr::from(*bytes.first_chunk().unwrap_or(&[0; 4])).to_string(),
            Self::Inet6 => Ipv6Addr::from(*bytes.first_chunk().unwrap_or(&[0; 16])).to_string(),
            Self::Uuid => {
                let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
                let parts = [0..8, 8..12, 12..16, 16..20, 20..32].map(|part| &hex[part]);
                parts.join("-")
            }
        };
        text.into()
    }
}

fn int(cell: &[u8], bytes: u8, unsigned: bool) -> Value {
    let number = little_endian(cell);
    if unsigned {
        return match i64::try_from(number) {
            Ok(number) => Value::Int(number),
            Err(_) => Value::Decimal(number.to_string().into()),
        };
    }
    let unused = 64 - 8 * u32::from(bytes);
    Value::Int((number << unused) as i64 >> unused)
}

fn little_endian(bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .rev()
        .fold(0, |number, byte| number << 8 | u64::from(*byte))
}

/// The number that prints like this one.
pub(super) fn short(number: f32) -> f64 {
    number.to_string().parse().unwrap_or_else(|_| number.into())
}

fn whole(value: &SqlValue) -> Option<u64> {
    match value {
        SqlValue::Int(number) => Some(*number as u64),
        SqlValue::UInt(number) => Some(*number),
        _ => None,
    }
}

fn push_string(bytes: &[u8], prefix: usize, out: &mut Vec<u8>) -> Option<()> {
    let length = bytes.len().to_le_bytes();
    if length.get(prefix..)?.iter().any(|byte| *byte != 0) {
        return None;
    }
    out.extend_from_slice(&length[..prefix]);
    out.extend_from_slice(bytes);
    Some(())
}

fn filled(bytes: &[u8], octets: u16) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    bytes.resize(octets.into(), 0);
    bytes
}

fn without_fill(bytes: &[u8]) -> &[u8] {
    let end = bytes.iter().rposition(|byte| *byte != 0);
    &bytes[..end.map_or(0, |end| end + 1)]
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::mysql::charset::Charset;

    fn check(kind: Kind, selected: SqlValue, value: Value) {
        let mut cell = Vec::new();
        kind.push_cell(&selected, &mut cell)
            .expect("it is of the type");
        assert_eq!(kind.size(&cell), Some(cell.len()), "{kind:?}");
        assert_eq!(kind.value(&cell), value, "{kind:?}");
        assert_eq!(kind.size(&cell[..cell.len() - 1]), None, "{kind:?}");
    }

    #[test]
    fn what_is_selected_is_what_the_log_has() {
        let int = |bytes, unsigned| Kind::Int { bytes, unsigned };
        check(int(3, false), SqlValue::Int(-9000), Value::Int(-9000));
        check(int(1, true), SqlValue::UInt(255), Value::Int(255));
        check(
            int(8, true),
            SqlValue::UInt(u64::MAX),
            Value::Decimal("18446744073709551615".into()),
        );
        check(Kind::Float, SqlValue::Float(0.1), Value::Float(0.1));
        check(Kind::Year, SqlValue::UInt(2024), "2024".into());
        check(Kind::Year, SqlValue::UInt(0), "0000".into());
        check(
            Kind::Bit { bits: 13 },
            SqlValue::UInt(8000),
            Value::Bytes([0x1f, 0x40].as_slice().into()),
        );
        let labels: Arc<[String]> = ["a", "b", "c"].map(String::from).into();
        let bytes = 1;
        let set = Kind::Set {
            bytes,
            labels: labels.clone(),
        };
        check(set, SqlValue::UInt(5), "a,c".into());
        let of_labels = Kind::Enum { bytes, labels };
        check(of_labels.clone(), SqlValue::UInt(2), "b".into());
        check(of_labels, SqlValue::UInt(0), "".into());
    }

    #[test]
    fn what_fills_a_column_up_is_not_stored() {
        let (octets, charset) = (4, Charset::Binary);
        let kind = Kind::Char { octets, charset };
        let mut cell = Vec::new();
        kind.push_cell(&SqlValue::Bytes(vec![1, 0, 2, 0]), &mut cell)
            .expect("bytes");
        assert_eq!(cell, [3, 1, 0, 2]);
        assert_eq!(
            kind.value(&cell),
            Value::Bytes([1, 0, 2, 0].as_slice().into())
        );
        let uuid = Kind::Address(Address::Uuid);
        let mut bytes = vec![0x12, 0x3e, 0x45, 0x67, 0xe8, 0x9b, 0x12, 0xd3];
        bytes.extend([0xa4, 0x56, 0x42, 0x66, 0x14, 0x17, 0x40, 0]);
        check(
            uuid,
            SqlValue::Bytes(bytes),
            "123e4567-e89b-12d3-a456-426614174000".into(),
        );
    }
}
