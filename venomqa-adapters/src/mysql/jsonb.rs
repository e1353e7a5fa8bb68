//! Values of MySQL's type `JSON` as they lie in a row: a byte for the type, and what the type says.
//!
//! Arrays and objects begin with how many members they have and how many bytes they take, then tell where each member is, in two bytes
//! each or, if they are large, in four.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::decimal;
use super::json::Json;

const OBJECT: u8 = 0;
const LARGE_OBJECT: u8 = 1;
const ARRAY: u8 = 2;
const LARGE_ARRAY: u8 = 3;
const LITERAL: u8 = 4;
const INT_16: u8 = 5;
const UINT_16: u8 = 6;
const INT_32: u8 = 7;
const UINT_32: u8 = 8;
const INT_64: u8 = 9;
const UINT_64: u8 = 10;
const DOUBLE: u8 = 11;
const STRING: u8 = 12;
const OPAQUE: u8 = 15;

/// The types of columns of which values may lie in there.
const TIMESTAMP: u8 = 7;
const DATE: u8 = 10;
const TIME: u8 = 11;
const DATETIME: u8 = 12;
const DECIMAL: u8 = 246;

/// Reads a value.
pub(super) fn decode(bytes: &[u8]) -> Option<Json> {
    let (kind, rest) = bytes.split_first()?;
    decode_as(*kind, rest)
}

fn decode_as(kind: u8, bytes: &[u8]) -> Option<Json> {
    Some(match kind {
        OBJECT => members(bytes, 2, true)?,
        LARGE_OBJECT => members(bytes, 4, true)?,
        ARRAY => members(bytes, 2, false)?,
        LARGE_ARRAY => members(bytes, 4, false)?,
        LITERAL => match bytes.first()? {
            0 => Json::Null,
            1 => Json::Bool(true),
            2 => Json::Bool(false),
            _ => return None,
        },
        INT_16 => Json::Int(i16::from_le_bytes(*bytes.first_chunk()?).into()),
        UINT_16 => Json::Int(u16::from_le_bytes(*bytes.first_chunk()?).into()),
        INT_32 => Json::Int(i32::from_le_bytes(*bytes.first_chunk()?).into()),
        UINT_32 => Json::Int(u32::from_le_bytes(*bytes.first_chunk()?).into()),
        INT_64 => Json::Int(i64::from_le_bytes(*bytes.first_chunk()?).into()),
        UINT_64 => Json::Int(u64::from_le_bytes(*bytes.first_chunk()?).into()),
        DOUBLE => Json::Double(f64::from_le_bytes(*bytes.first_chunk()?)),
        STRING => {
            let (text, _) = sized(bytes)?;
            Json::Text(String::from_utf8(text.into()).ok()?)
        }
        OPAQUE => {
            let (kind, rest) = bytes.split_first()?;
            let (data, _) = sized(rest)?;
            opaque(*kind, data)?
        }
        _ => return None,
    })
}

/// The members of an object or array with numbers of so many bytes.
fn members(bytes: &[u8], wide: usize, has_keys: bool) -> Option<Json> {
    let number = |at: usize, size: usize| {
        let digits = bytes.get(at..at.checked_add(size)?)?.iter().rev();
        Some(digits.fold(0, |number, byte| number << 8 | usize::from(*byte)))
    };
    let count = number(0, wide)?;
    let keys = 2 * wide;
    let values = keys
        + if has_keys {
            count.checked_mul(wide + 2)?
        } else {
            0
        };
    let (mut object, mut array) = (Vec::new(), Vec::new());
    for at in 0..count {
        let entry = values + at * (1 + wide);
        let kind = *bytes.get(entry)?;
        let value = match is_inline(kind, wide) {
            true => decode_as(kind, bytes.get(entry + 1..)?)?,
            false => decode_as(kind, bytes.get(number(entry + 1, wide)?..)?)?,
        };
        if has_keys {
            let entry = keys + at * (wide + 2);
            let (from, length) = (number(entry, wide)?, number(entry + wide, 2)?);
            let key = bytes.get(from..from.checked_add(length)?)?;
            object.push((String::from_utf8(key.into()).ok()?, value));
        } else {
            array.push(value);
        }
    }
    Some(match has_keys {
        true => Json::Object(object),
        false => Json::Array(array),
    })
}

/// Whether a value is kept where others are pointed to.
fn is_inline(kind: u8, wide: usize) -> bool {
    matches!(kind, LITERAL | INT_16 | UINT_16) || wide == 4 && matches!(kind, INT_32 | UINT_32)
}

/// Bytes after their length, which has seven bits in each of its own; and what follows.
fn sized(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let mut size = 0_usize;
    for (at, byte) in bytes.iter().enumerate().take(5) {
        size |= usize::from(byte & 0x7f) << (7 * at);
        if byte & 0x80 == 0 {
            return bytes[at + 1..].split_at_checked(size);
        }
    }
    None
}

/// What SQL put there of a type that JSON does not have.
fn opaque(kind: u8, data: &[u8]) -> Option<Json> {
    Some(match kind {
        DECIMAL => {
            let ([precision, scale], digits) = data.split_first_chunk()?;
            Json::number(&decimal::decode(digits, *precision, *scale))?
        }
        DATE | TIME | DATETIME | TIMESTAMP => {
            Json::Text(moment(kind, i64::from_le_bytes(*data.first_chunk()?)))
        }
        _ => {
            let encoded = STANDARD.encode(data);
            let lines: Vec<_> = encoded
                .as_bytes()
                .chunks(76)
                .map(String::from_utf8_lossy)
                .collect();
            Json::Text(format!("base64:type{kind}:{}", lines.join("\n")))
        }
    })
}

fn moment(kind: u8, packed: i64) -> String {
    let sign = if packed < 0 { "-" } else { "" };
    let packed = packed.unsigned_abs();
    let (rest, micros) = (packed >> 24, packed & 0xff_ffff);
    let (minute, second) = (rest >> 6 & 63, rest & 63);
    if kind == TIME {
        let hour = rest >> 12 & 0x3ff;
        return format!("{sign}{hour:02}:{minute:02}:{second:02}.{micros:06}");
    }
    let hour = rest >> 12 & 31;
    let (months, day) = (rest >> 22, rest >> 17 & 31);
    let date = format!("{:04}-{:02}-{day:02}", months / 13, months % 13);
    match kind {
        DATE => date,
        _ => format!("{date} {hour:02}:{minute:02}:{second:02}.{micros:06}"),
    }
}

/// Appends a value, unless it is larger than there can be one.
pub(super) fn encode(value: &Json, out: &mut Vec<u8>) -> Option<()> {
    let (kind, bytes) = encoded(value)?;
    out.push(kind);
    out.extend(bytes);
    Some(())
}

fn encoded(value: &Json) -> Option<(u8, Vec<u8>)> {
    Some(match value {
        Json::Null => (LITERAL, vec![0]),
        Json::Bool(true) => (LITERAL, vec![1]),
        Json::Bool(false) => (LITERAL, vec![2]),
        Json::Int(number) => int(*number)?,
        Json::Double(number) => (DOUBLE, number.to_le_bytes().into()),
        Json::Decimal(text) => {
            let digits = |part: &str| part.chars().filter(char::is_ascii_digit).count();
            let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
            let whole = digits(whole.trim_start_matches(['-', '0']));
            let scale = u8::try_from(digits(fraction)).ok()?;
            let precision = u8::try_from(whole).ok()?.checked_add(scale)?;
            let mut data = vec![precision, scale];
            decimal::encode(text.as_bytes(), precision, scale, &mut data)?;
            let mut bytes = vec![DECIMAL];
            push_sized(&data, &mut bytes);
            (OPAQUE, bytes)
        }
        Json::Text(text) => {
            let mut bytes = Vec::new();
            push_sized(text.as_bytes(), &mut bytes);
            (STRING, bytes)
        }
        Json::Array(values) => {
            let values: Option<Vec<_>> = values.iter().map(encoded).collect();
            container(ARRAY, None, &values?)?
        }
        Json::Object(members) => {
            let keys: Vec<_> = members.iter().map(|(key, _)| key.as_bytes()).collect();
            let values = members.iter().map(|(_, value)| encoded(value));
            let values: Option<Vec<_>> = values.collect();
            container(OBJECT, Some(&keys), &values?)?
        }
    })
}

/// In as few bytes as the server takes, which keeps large numbers that it reads without a sign.
fn int(number: i128) -> Option<(u8, Vec<u8>)> {
    Some(if let Ok(number) = i16::try_from(number) {
        (INT_16, number.to_le_bytes().into())
    } else if let Ok(number) = i32::try_from(number) {
        (INT_32, number.to_le_bytes().into())
    } else if number > u32::MAX.into() {
        (UINT_64, u64::try_from(number).ok()?.to_le_bytes().into())
    } else {
        (INT_64, i64::try_from(number).ok()?.to_le_bytes().into())
    })
}

fn push_sized(data: &[u8], out: &mut Vec<u8>) {
    let mut size = data.len();
    while size >= 0x80 {
        out.push(size as u8 | 0x80);
        size >>= 7;
    }
    out.push(size as u8);
    out.extend(data);
}

/// An object or array, of the small kind if it fits.
fn container(kind: u8, keys: Option<&[&[u8]]>, values: &[(u8, Vec<u8>)]) -> Option<(u8, Vec<u8>)> {
    match packed(keys, values, 2) {
        Some(bytes) => Some((kind, bytes)),
        None => Some((kind + 1, packed(keys, values, 4)?)),
    }
}

/// With numbers of so many bytes, if they suffice.
fn packed(keys: Option<&[&[u8]]>, values: &[(u8, Vec<u8>)], wide: usize) -> Option<Vec<u8>> {
    let number = |number: usize| {
        let bytes = u32::try_from(number).ok()?.to_le_bytes();
        let fits = bytes[wide..].iter().all(|byte| *byte == 0);
        fits.then(|| bytes[..wide].to_vec())
    };
    let inline = |(kind, _): &&(u8, Vec<u8>)| is_inline(*kind, wide);
    let key_entries = keys.map_or(0, |keys| keys.len() * (wide + 2));
    let mut from = 2 * wide + key_entries + values.len() * (1 + wide);
    let all_keys: usize = keys.map_or(0, |keys| keys.iter().map(|key| key.len()).sum());
    let outside = values.iter().filter(|value| !inline(value));
    let all_values: usize = outside.clone().map(|(_, bytes)| bytes.len()).sum();
    let mut out = number(values.len())?;
    out.extend(number(from + all_keys + all_values)?);
    for key in keys.into_iter().flatten() {
        out.extend(number(from)?);
        out.extend(u16::try_from(key.len()).ok()?.to_le_bytes());
        from += key.len();
    }
    for value in values {
        let (kind, bytes) = value;
        out.push(*kind);
        if inline(&value) {
            let start = out.len();
            out.extend(bytes);
            // A number that is shorter than its place has its sign go on.
            let negative = *kind != UINT_16 && bytes.last().is_some_and(|byte| byte & 0x80 != 0);
            out.resize(start + wide, if negative { 0xff } else { 0 });
        } else {
            out.extend(number(from)?);
            from += bytes.len();
        }
    }
    out.extend(keys.into_iter().flatten().copied().flatten());
    out.extend(outside.flat_map(|(_, bytes)| bytes));
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(text: &str) -> Vec<u8> {
        let mut bytes = Vec::new();
        let value = Json::parse(text).expect("JSON");
        encode(&value, &mut bytes).expect("not too large");
        assert_eq!(decode(&bytes).expect("what was written"), value);
        bytes
    }

    #[test]
    fn values_come_back() {
        for text in [
            r#"{"a": [1, null, 1.5, -0.0, 1e300, 18446744073709551615, -5, true], "bb": "x", "é": {}}"#,
            "-1.50",
            "0.050",
            "123456789012345678901234567890.10",
            "[-40000, 3000000000, 5000000000]",
        ] {
            assert_eq!(decode(&bytes(text)).expect("JSON").to_string(), text);
        }
    }

    #[test]
    fn a_value_takes_as_many_bytes_as_in_the_server() {
        // By JSON_STORAGE_SIZE of a MySQL 9.7.
        let text = r#"{"a": [1, null, 1.5, -0.0, 1e300, 18446744073709551615, -5, true], "bb": "x\ny\u0001\"/", "é": {}}"#;
        assert_eq!(bytes(text).len(), 102);
        assert_eq!(bytes("0").len(), 3);
        assert_eq!(bytes("1e21").len(), 9);
    }

    #[test]
    fn a_large_value_has_wider_numbers() {
        let text = format!(r#"[70000, "{}"]"#, "x".repeat(70_000));
        assert_eq!(bytes(&text)[0], LARGE_ARRAY);
        assert_eq!(bytes("[70000]")[0], ARRAY);
    }

    #[test]
    fn what_sql_put_there_is_what_is_printed() {
        let check = |kind: u8, data: &[u8], printed: &str| {
            let mut bytes = vec![OPAQUE, kind];
            push_sized(data, &mut bytes);
            assert_eq!(decode(&bytes).expect("JSON").to_string(), printed);
        };
        check(DECIMAL, &[3, 2, 0x81, 50], "1.50");
        check(DECIMAL, &[1, 0, 0x85], "5");
        check(15, &[5], r#""base64:type15:BQ==""#);
        let date = (2015 * 13 + 1) << 22 | 15 << 17;
        let at = |clock: i64| ((date | clock) << 24).to_le_bytes();
        check(DATE, &at(0), r#""2015-01-15""#);
        let clock = 23 << 12 | 24 << 6 | 25;
        check(DATETIME, &at(clock), r#""2015-01-15 23:24:25.000000""#);
        let time = (-((clock << 24) + 120_000)).to_le_bytes();
        check(TIME, &time, r#""-23:24:25.120000""#);
    }

    #[test]
    fn what_ends_early_is_no_value() {
        let whole = bytes(r#"{"a": [1, "b"]}"#);
        for length in 0..whole.len() {
            assert_eq!(decode(&whole[..length]), None, "{length}");
        }
    }
}
