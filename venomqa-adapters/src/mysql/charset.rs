use std::sync::Arc;

use crate::Value;

/// How the bytes of a text column are to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Charset {
    /// No text.
    Binary,
    /// UTF-8 or a part of it.
    Utf8,
    /// What MySQL calls latin1: Windows-1252 with all bytes defined.
    Latin1,
    Utf16,
    Utf16Le,
    Utf32,
    /// One of those that are shown as bytes.
    Other,
}

impl Charset {
    /// By its name, which columns without text do not have.
    pub(super) fn named(name: Option<&str>) -> Self {
        match name {
            None | Some("binary") => Self::Binary,
            Some("utf8" | "utf8mb3" | "utf8mb4" | "ascii") => Self::Utf8,
            Some("latin1") => Self::Latin1,
            Some("utf16" | "ucs2") => Self::Utf16,
            Some("utf16le") => Self::Utf16Le,
            Some("utf32") => Self::Utf32,
            Some(_) => Self::Other,
        }
    }

    /// Text where the bytes are text, and the bytes themselves otherwise.
    pub(super) fn value(self, bytes: &[u8]) -> Value {
        match self.text(bytes) {
            Some(text) => Value::Text(text),
            None => Value::Bytes(bytes.into()),
        }
    }

    fn text(self, bytes: &[u8]) -> Option<Arc<str>> {
        let wide = |read: fn([u8; 2]) -> u16| {
            let (pairs, rest) = bytes.as_chunks::<2>();
            let text = char::decode_utf16(pairs.iter().map(|pair| read(*pair)));
            let text: Result<String, _> = text.collect();
            text.ok().filter(|_| rest.is_empty()).map(Arc::from)
        };
        match self {
            Self::Binary | Self::Other => None,
            Self::Utf8 => std::str::from_utf8(bytes).ok().map(Arc::from),
            Self::Latin1 => Some(bytes.iter().copied().map(latin1).collect::<String>().into()),
            Self::Utf16 => wide(u16::from_be_bytes),
            Self::Utf16Le => wide(u16::from_le_bytes),
            Self::Utf32 => {
                let (words, rest) = bytes.as_chunks::<4>();
                let text = words
                    .iter()
                    .map(|word| char::from_u32(u32::from_be_bytes(*word)));
                let text: Option<String> = text.collect();
                text.filter(|_| rest.is_empty()).map(Arc::from)
            }
        }
    }
}

fn latin1(byte: u8) -> char {
    const FROM_80: [char; 32] = [
        '€', '\u{81}', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\u{8d}', 'Ž',
        '\u{8f}', '\u{90}', '‘', '’', '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', '\u{9d}',
        'ž', 'Ÿ',
    ];
    match byte {
        0x80..=0x9f => FROM_80[usize::from(byte - 0x80)],
        _ => byte.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_text_in_any_of_these() {
        let check = |name: &str, bytes: &[u8], value: Value| {
            assert_eq!(Charset::named(Some(name)).value(bytes), value, "{name}");
        };
        check("utf8mb4", "日本".as_bytes(), "日本".into());
        check("utf8mb4", &[0xff], Value::Bytes([0xff].as_slice().into()));
        check("latin1", &[b'a', 0xe9, 0x80], "aé€".into());
        check("utf16", &[0, b'h', 0xd8, 0x3d, 0xde, 0x00], "h😀".into());
        check("utf16le", &[b'h', 0], "h".into());
        check("utf32", &[0, 0, 0, b'h'], "h".into());
        check("utf16", &[0], Value::Bytes([0].as_slice().into()));
        check("cp1251", &[0xc0], Value::Bytes([0xc0].as_slice().into()));
    }
}
