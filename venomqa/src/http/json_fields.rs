//! Replaces the values of some fields in JSON text, and leaves every other byte as it was. Parsing and writing it again would reorder
//! fields, and would let through the secrets of a body that is broken on purpose or was cut off.

/// The text with `"…": value` replaced by `"…": "replacement"` where `hides` says so of the name.
///
/// `null`, `true` and `false` are kept: they tell whether there is a secret, not which.
pub(super) fn replaced(text: &str, hides: impl Fn(&str) -> bool, replacement: &str) -> String {
    let bytes = text.as_bytes();
    let mut shown = String::with_capacity(text.len());
    let (mut copied, mut at) = (0, 0);
    while let Some(opening) = text[at..].find('"').map(|offset| at + offset) {
        let closed = end_of_string(bytes, opening);
        let colon = skip_space(bytes, closed);
        if bytes.get(colon) != Some(&b':') {
            at = closed;
            continue;
        }
        let value = skip_space(bytes, colon + 1);
        at = value;
        let name: String = serde_json::from_str(&text[opening..closed]).unwrap_or_default();
        if !hides(&name) {
            continue;
        }
        let end = end_of_value(bytes, value);
        if !matches!(&text[value..end], "" | "null" | "true" | "false") {
            shown.push_str(&text[copied..value]);
            shown.push_str(&format!("\"{replacement}\""));
            copied = end;
        }
        at = end;
    }
    shown.push_str(&text[copied..]);
    shown
}

/// All ends lie on ASCII bytes or at the end of the text, hence on character boundaries.
fn end_of_string(bytes: &[u8], opening: usize) -> usize {
    let mut at = opening + 1;
    while at < bytes.len() {
        match bytes[at] {
            b'\\' => at += 2,
            b'"' => return at + 1,
            _ => at += 1,
        }
    }
    bytes.len()
}

fn end_of_value(bytes: &[u8], start: usize) -> usize {
    let mut at = start;
    let mut depth = 0_usize;
    while at < bytes.len() {
        match bytes[at] {
            b'"' => {
                at = end_of_string(bytes, at);
                if depth == 0 {
                    return at;
                }
                continue;
            }
            b'{' | b'[' => depth += 1,
            b'}' | b']' if depth <= 1 => return if depth == 0 { at } else { at + 1 },
            b'}' | b']' => depth -= 1,
            b',' if depth == 0 => return at,
            byte if depth == 0 && byte.is_ascii_whitespace() => return at,
            _ => {}
        }
        at += 1;
    }
    bytes.len()
}

fn skip_space(bytes: &[u8], start: usize) -> usize {
    let space = bytes[start.min(bytes.len())..].iter();
    start + space.take_while(|byte| byte.is_ascii_whitespace()).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &str) {
        assert_eq!(replaced(text, |name| name == "pin", "x"), expected);
    }

    #[test]
    fn only_the_value_changes() {
        check(
            r#"{"b": 1, "pin" : "1\"2", "a":2}"#,
            r#"{"b": 1, "pin" : "x", "a":2}"#,
        );
        check(r#"{"pin":1234}"#, r#"{"pin":"x"}"#);
        check(
            r#"[{"pin":{"a":["}",1]}},{"pin":[[1],2],"b":3}]"#,
            r#"[{"pin":"x"},{"pin":"x","b":3}]"#,
        );
        check(
            r#"{"pin":null,"a":{"pin":true}}"#,
            r#"{"pin":null,"a":{"pin":true}}"#,
        );
        check(
            r#"{"a":"pin","b":"\"pin\":1"}"#,
            r#"{"a":"pin","b":"\"pin\":1"}"#,
        );
        check("größe: 1", "größe: 1");
    }

    #[test]
    fn an_escaped_name_is_known_too() {
        check(r#"{"p\u0069n":"1"}"#, r#"{"p\u0069n":"x"}"#);
    }

    #[test]
    fn broken_json_hides_as_well() {
        check(r#"{"pin": "12"#, r#"{"pin": "x""#);
        check(r#"{"pin": "12\"#, r#"{"pin": "x""#);
        check(r#"{"pin": {"a": 1"#, r#"{"pin": "x""#);
        check(r#"{"pin":"#, r#"{"pin":"#);
        check(r#"{"pin": 12 "a"}"#, r#"{"pin": "x" "a"}"#);
        check(r#"{"pin"#, r#"{"pin"#);
        check("\"ü\\", "\"ü\\");
    }
}
