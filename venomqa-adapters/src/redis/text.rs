use crate::Value;

/// A string of Redis as a value: text where it is UTF-8, bytes otherwise.
pub(super) fn text_or_bytes(bytes: &[u8]) -> Value {
    match std::str::from_utf8(bytes) {
        Ok(text) => text.into(),
        Err(_) => bytes.into(),
    }
}

/// Adds a string in quotes. Different strings look different, whatever bytes they have.
pub(super) fn quote(text: &mut String, bytes: &[u8]) {
    use std::fmt::Write;
    text.push('"');
    for chunk in bytes.utf8_chunks() {
        for character in chunk.valid().chars() {
            match character {
                '"' => text.push_str("\\\""),
                '\\' => text.push_str("\\\\"),
                '\n' => text.push_str("\\n"),
                c if c.is_control() => {
                    let _ = write!(text, "\\u{{{:x}}}", u32::from(c));
                }
                c => text.push(c),
            }
        }
        for byte in chunk.invalid() {
            let _ = write!(text, "\\x{byte:02x}");
        }
    }
    text.push('"');
}

/// Items between brackets, with commas.
pub(super) fn list<T>(
    text: &mut String,
    brackets: [char; 2],
    items: impl IntoIterator<Item = T>,
    mut add: impl FnMut(&mut String, T),
) {
    text.push(brackets[0]);
    for (number, item) in items.into_iter().enumerate() {
        if number > 0 {
            text.push_str(", ");
        }
        add(text, item);
    }
    text.push(brackets[1]);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_differs_looks_different() {
        let check = |bytes: &[u8], shown: &str| {
            let mut text = String::new();
            quote(&mut text, bytes);
            assert_eq!(text, shown);
        };
        check("naïve, 5".as_bytes(), "\"naïve, 5\"");
        check(b"\"", "\"\\\"\"");
        check(b"\\xff", "\"\\\\xff\"");
        check(b"\xff", "\"\\xff\"");
        check(b"\x00\n\xc3", "\"\\u{0}\\n\\xc3\"");
    }
}
