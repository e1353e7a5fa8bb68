//! Values of MySQL's type `JSON`, as far as their text tells them apart.

use std::fmt::{self, Write};

/// A value. Points in time and bytes, which the server can keep in such a value, are text here, as they are printed.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Json {
    Null,
    Bool(bool),
    /// Of 64 bits with or without a sign.
    Int(i128),
    Double(f64),
    /// One that no other kind of number prints the same.
    Decimal(String),
    Text(String),
    Array(Vec<Json>),
    /// In the order in which the server keeps the keys: short ones first.
    Object(Vec<(String, Json)>),
}

/// Deeper values the server does not take.
const DEEPEST: usize = 100;

impl Json {
    /// Reads what a server printed.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let mut rest = text;
        let value = value(&mut rest, DEEPEST)?;
        rest.is_empty().then_some(value)
    }

    /// The number that is printed so.
    pub(super) fn number(text: &str) -> Option<Self> {
        let fraction = match (text.split_once('.'), text.contains('e')) {
            (None, false) => {
                let number = text.parse().ok();
                let fits =
                    |number: &i128| (i128::from(i64::MIN)..=i128::from(u64::MAX)).contains(number);
                return Some(match number.filter(fits) {
                    Some(number) => Self::Int(number),
                    None => Self::Decimal(text.into()),
                });
            }
            (Some((_, fraction)), false) => fraction,
            (_, true) => return text.parse().ok().map(Self::Double),
        };
        let double: f64 = text.parse().ok()?;
        let is_shortest = (fraction == "0" || !fraction.ends_with('0'))
            && digits(text) == digits(&format!("{double:e}"));
        Some(match is_shortest {
            true => Self::Double(double),
            false => Self::Decimal(text.into()),
        })
    }
}

/// The digits of a number that count.
fn digits(number: &str) -> String {
    let (number, _) = number.split_once('e').unwrap_or((number, ""));
    let digits: String = number.chars().filter(char::is_ascii_digit).collect();
    digits
        .trim_start_matches('0')
        .trim_end_matches('0')
        .to_owned()
}

fn skip_space(rest: &mut &str) {
    *rest = rest.trim_start_matches([' ', '\n', '\t', '\r']);
}

fn skip(rest: &mut &str, what: &str) -> Option<()> {
    *rest = rest.strip_prefix(what)?;
    Some(())
}

fn value(rest: &mut &str, depth: usize) -> Option<Json> {
    let depth = depth.checked_sub(1)?;
    skip_space(rest);
    let value = match rest.chars().next()? {
        'n' => skip(rest, "null").map(|()| Json::Null)?,
        't' => skip(rest, "true").map(|()| Json::Bool(true))?,
        'f' => skip(rest, "false").map(|()| Json::Bool(false))?,
        '"' => Json::Text(string(rest)?),
        '[' => {
            let mut values = Vec::new();
            list(rest, '[', ']', |rest| {
                values.push(self::value(rest, depth)?);
                Some(())
            })?;
            Json::Array(values)
        }
        '{' => {
            let mut members = Vec::new();
            list(rest, '{', '}', |rest| {
                skip_space(rest);
                let key = string(rest)?;
                skip_space(rest);
                skip(rest, ":")?;
                members.push((key, self::value(rest, depth)?));
                Some(())
            })?;
            Json::Object(members)
        }
        _ => {
            let is_end = |c: char| !matches!(c, '0'..='9' | '-' | '+' | '.' | 'e' | 'E');
            let end = rest.find(is_end).unwrap_or(rest.len());
            let (number, after) = rest.split_at(end);
            *rest = after;
            Json::number(number)?
        }
    };
    skip_space(rest);
    Some(value)
}

/// Reads what stands between two brackets, separated by commas.
fn list(
    rest: &mut &str,
    open: char,
    close: char,
    mut one: impl FnMut(&mut &str) -> Option<()>,
) -> Option<()> {
    *rest = rest.strip_prefix(open)?;
    skip_space(rest);
    if let Some(after) = rest.strip_prefix(close) {
        *rest = after;
        return Some(());
    }
    loop {
        one(rest)?;
        skip_space(rest);
        if let Some(after) = rest.strip_prefix(close) {
            *rest = after;
            return Some(());
        }
        skip(rest, ",")?;
    }
}

fn string(rest: &mut &str) -> Option<String> {
    skip(rest, "\"")?;
    let mut text = String::new();
    loop {
        let plain = rest.find(['"', '\\'])?;
        text.push_str(&rest[..plain]);
        let mut after = rest[plain + 1..].chars();
        if rest[plain..].starts_with('"') {
            *rest = after.as_str();
            return Some(text);
        }
        text.push(match after.next()? {
            'b' => '\u{8}',
            'f' => '\u{c}',
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            // The server writes only control characters so.
            'u' => {
                let digits = after.as_str().get(..4)?;
                after = after.as_str()[4..].chars();
                char::from_u32(u32::from_str_radix(digits, 16).ok()?)?
            }
            itself => itself,
        });
        *rest = after.as_str();
    }
}

/// As the server prints it.
impl fmt::Display for Json {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("null"),
            Self::Bool(value) => write!(f, "{value}"),
            Self::Int(number) => write!(f, "{number}"),
            Self::Double(number) => double(*number, f),
            Self::Decimal(number) => f.write_str(number),
            Self::Text(text) => quoted(text, f),
            Self::Array(values) => {
                f.write_char('[')?;
                for (at, value) in values.iter().enumerate() {
                    let comma = if at == 0 { "" } else { ", " };
                    write!(f, "{comma}{value}")?;
                }
                f.write_char(']')
            }
            Self::Object(members) => {
                f.write_char('{')?;
                for (at, (key, value)) in members.iter().enumerate() {
                    f.write_str(if at == 0 { "" } else { ", " })?;
                    quoted(key, f)?;
                    write!(f, ": {value}")?;
                }
                f.write_char('}')
            }
        }
    }
}

/// With the fewest digits that tell it apart, and an exponent where there would be many zeros.
fn double(number: f64, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let shortest = format!("{number:e}");
    let (_, exponent) = shortest.split_once('e').unwrap_or((&shortest, "0"));
    match exponent.parse().unwrap_or(0) {
        -15..=14 => {
            let plain = number.to_string();
            let point = if plain.contains('.') { "" } else { ".0" };
            write!(f, "{plain}{point}")
        }
        _ => f.write_str(&shortest),
    }
}

fn quoted(text: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    f.write_char('"')?;
    for c in text.chars() {
        match c {
            '"' => f.write_str("\\\"")?,
            '\\' => f.write_str("\\\\")?,
            '\u{8}' => f.write_str("\\b")?,
            '\u{c}' => f.write_str("\\f")?,
            '\n' => f.write_str("\\n")?,
            '\r' => f.write_str("\\r")?,
            '\t' => f.write_str("\\t")?,
            '\0'..'\u{20}' => write!(f, "\\u{:04x}", c as u32)?,
            _ => f.write_char(c)?,
        }
    }
    f.write_char('"')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str) {
        let value = Json::parse(text).unwrap_or_else(|| panic!("{text} is no JSON"));
        assert_eq!(value.to_string(), text);
    }

    #[test]
    fn a_value_is_printed_as_it_was() {
        // All as a MySQL 9.7 printed them.
        check(
            r#"{"a": [1, null, 1.5, -0.0, 1e300, 18446744073709551615, -5, true], "bb": "x\ny\u0001\"/", "é": {}}"#,
        );
        for number in [
            "0.0000001",
            "1.2345678901234568e29",
            "1e15",
            "100000000000000.0",
            "0.0000123456789",
            "-0.00001",
        ] {
            check(number);
        }
        check("[]");
    }

    #[test]
    fn only_a_number_that_prints_like_no_other_is_a_decimal() {
        let is_decimal = |text: &str| matches!(Json::parse(text), Some(Json::Decimal(_)));
        for decimal in [
            "1.50",
            "123456789012345678901234567890",
            "0.10000000000000000000001",
        ] {
            assert!(is_decimal(decimal), "{decimal}");
            check(decimal);
        }
        for other in ["1.5", "1.0", "-0.0", "1e21", "18446744073709551615"] {
            assert!(!is_decimal(other), "{other}");
        }
    }

    #[test]
    fn what_is_no_json_is_none() {
        for text in [
            "",
            "[1",
            "{\"a\" 1}",
            "\"a",
            "nul",
            "[1] 2",
            &"[".repeat(200),
        ] {
            assert_eq!(Json::parse(text), None, "{text}");
        }
    }
}
