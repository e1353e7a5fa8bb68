use std::borrow::Cow;

use crate::Value;

/// What the text of a value means, by its type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Bool,
    Int,
    Float,
    Decimal,
    Bytes,
    Text,
}

impl Kind {
    /// By the number of a type that is no domain.
    pub(super) fn of_type(oid: u32) -> Self {
        match oid {
            16 => Self::Bool,
            20 | 21 | 23 | 26 => Self::Int,
            700 | 701 => Self::Float,
            1700 => Self::Decimal,
            17 => Self::Bytes,
            _ => Self::Text,
        }
    }

    /// The value of a text that PostgreSQL printed. What it cannot mean stays text.
    pub(super) fn value(self, text: Option<&str>) -> Value {
        let Some(text) = text else {
            return Value::Null;
        };
        let value = match self {
            Self::Bool => match text {
                "t" => Some(Value::Bool(true)),
                "f" => Some(Value::Bool(false)),
                _ => None,
            },
            Self::Int => text.parse().ok().map(Value::Int),
            Self::Float => text.parse().ok().map(Value::Float),
            // What is printed without a point, and is not too large, is an `Int`.
            Self::Decimal => Some(match text.parse() {
                Ok(whole) => Value::Int(whole),
                Err(_) => Value::Decimal(text.into()),
            }),
            Self::Bytes => bytes(text).map(|bytes| Value::Bytes(bytes.into())),
            Self::Text => None,
        };
        value.unwrap_or_else(|| Value::Text(text.into()))
    }
}

fn bytes(text: &str) -> Option<Vec<u8>> {
    let digits = text.strip_prefix("\\x")?.as_bytes();
    let digit = |byte: u8| char::from(byte).to_digit(16);
    digits
        .chunks(2)
        .map(|pair| match *pair {
            [high, low] => u8::try_from(digit(high)? * 16 + digit(low)?).ok(),
            _ => None,
        })
        .collect()
}

/// The cells of a row as text, `(1,"a ""b""",,"")`: SQL NULL is an empty cell without quotes.
pub(super) fn cells(image: &str) -> Vec<Option<Cow<'_, str>>> {
    let inside = image
        .strip_prefix('(')
        .and_then(|rest| rest.strip_suffix(')'));
    let mut rest = inside.unwrap_or(image);
    let mut cells = Vec::new();
    loop {
        let (cell, after) = cell(rest);
        cells.push(cell);
        match after.strip_prefix(',') {
            Some(next) => rest = next,
            None => return cells,
        }
    }
}

/// The first cell, and what comes after it.
fn cell(text: &str) -> (Option<Cow<'_, str>>, &str) {
    let Some(quoted) = text.strip_prefix('"') else {
        let end = text.find(',').unwrap_or(text.len());
        let cell = (end > 0).then(|| Cow::Borrowed(&text[..end]));
        return (cell, &text[end..]);
    };
    let mut unquoted = String::new();
    let mut rest = quoted;
    // Quotes and backslashes come doubled.
    while let Some(at) = rest.find(['"', '\\']) {
        unquoted.push_str(&rest[..at]);
        let sign = &rest[at..at + 1];
        rest = &rest[at + 1..];
        match rest.strip_prefix(sign) {
            Some(after) => {
                unquoted.push_str(sign);
                rest = after;
            }
            None => break,
        }
    }
    (Some(Cow::Owned(unquoted)), rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_as_text_has_its_cells_again() {
        let check = |image: &str, expected: &[Option<&str>]| {
            let found = cells(image);
            let found: Vec<_> = found.iter().map(Option::as_deref).collect();
            assert_eq!(found, expected, "{image}");
        };
        check("(1,new)", &[Some("1"), Some("new")]);
        check("(,\"\",)", &[None, Some(""), None]);
        check(
            r#"("a ""b"" \\ ,()",2)"#,
            &[Some(r#"a "b" \ ,()"#), Some("2")],
        );
        check("(\"{\"\"(1,\\\\\"\"é)\"\"}\")", &[Some("{\"(1,\\\"é)\"}")]);
        check("(\"two\nlines\")", &[Some("two\nlines")]);
    }

    #[test]
    fn values_have_the_type_of_their_column() {
        let check = |kind: Kind, text: &str, value: Value| {
            assert_eq!(kind.value(Some(text)), value, "{text}");
        };
        check(Kind::Int, "-9223372036854775808", Value::Int(i64::MIN));
        check(Kind::Float, "-Infinity", Value::Float(f64::NEG_INFINITY));
        check(Kind::Float, "-0", Value::Float(-0.0));
        check(Kind::Float, "0.1", Value::Float(0.1));
        check(Kind::Decimal, "12", Value::Int(12));
        check(Kind::Decimal, "12.50", Value::Decimal("12.50".into()));
        check(Kind::Decimal, "NaN", Value::Decimal("NaN".into()));
        check(Kind::Bytes, "\\x00fF", Value::Bytes([0, 255].into()));
        check(Kind::Bytes, "\\x", Value::Bytes([].into()));
        check(Kind::Bool, "t", Value::Bool(true));
        check(Kind::Text, "t", Value::Text("t".into()));
        assert_eq!(Kind::Int.value(None), Value::Null);
    }
}
