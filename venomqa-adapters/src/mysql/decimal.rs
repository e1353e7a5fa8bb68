//! `DECIMAL` as it lies in a row: groups of nine digits in four bytes each, what is left of them in fewer.

/// How many bytes so many digits of an incomplete group take.
const PARTIAL: [usize; 10] = [0, 1, 1, 2, 2, 3, 3, 4, 4, 4];
const GROUP: usize = 9;

/// How many bytes a number of this precision takes.
pub(super) fn size(precision: u8, scale: u8) -> usize {
    groups(precision, scale).map(|digits| PARTIAL[digits]).sum()
}

/// The numbers of digits of the groups, from the left.
fn groups(precision: u8, scale: u8) -> impl Iterator<Item = usize> {
    let (scale, whole) = (scale.into(), precision.saturating_sub(scale).into());
    let full = |digits: usize| std::iter::repeat_n(GROUP, digits / GROUP);
    std::iter::once(whole % GROUP)
        .chain(full(whole))
        .chain(full(scale))
        .chain(std::iter::once(scale % GROUP))
}

/// The canonical text of a number that the server printed with zeros before it, as it does for a column with `ZEROFILL`.
pub(super) fn without_fill(text: &str) -> &str {
    let digits = text.trim_start_matches('0');
    let is_whole = digits.starts_with(|first: char| first.is_ascii_digit());
    let kept = digits.len() + usize::from(!is_whole);
    &text[text.len().saturating_sub(kept)..]
}

/// The canonical text of a number: no zeros before the first digit but one, and all digits of its scale.
pub(super) fn decode(bytes: &[u8], precision: u8, scale: u8) -> String {
    let negative = bytes.first().is_some_and(|first| first & 0x80 == 0);
    let flip = if negative { 0xff } else { 0 };
    let mut rest = bytes.iter().enumerate().map(|(at, byte)| match at {
        0 => byte ^ flip ^ 0x80,
        _ => byte ^ flip,
    });
    let mut digits = String::new();
    for group in groups(precision, scale).filter(|group| *group > 0) {
        let bytes = rest.by_ref().take(PARTIAL[group]);
        let number = bytes.fold(0_u32, |number, byte| number << 8 | u32::from(byte));
        digits.push_str(&format!("{number:0group$}"));
    }
    let point = digits.len() - usize::from(scale).min(digits.len());
    let (whole, fraction) = digits.split_at(point);
    let whole = whole.trim_start_matches('0');
    let mut text = String::new();
    if negative {
        text.push('-');
    }
    text.push_str(if whole.is_empty() { "0" } else { whole });
    if !fraction.is_empty() {
        text.push('.');
        text.push_str(fraction);
    }
    text
}

/// Appends a number that the server printed, or says that it is none of this precision.
pub(super) fn encode(text: &[u8], precision: u8, scale: u8, out: &mut Vec<u8>) -> Option<()> {
    let text = std::str::from_utf8(text).ok()?;
    let (negative, text) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let (places, scale_digits) = (usize::from(precision - scale), usize::from(scale));
    let whole = whole.trim_start_matches('0');
    if whole.len() > places || fraction.len() > scale_digits {
        return None;
    }
    let digits = format!("{whole:0>places$}{fraction:0<scale_digits$}");
    // Formatting pads nothing to no width at all: both widths are exact then.
    let mut digits = digits.as_str();
    let (start, flip) = (out.len(), if negative { 0xff } else { 0 });
    for group in groups(precision, scale).filter(|group| *group > 0) {
        let (these, rest) = digits.split_at_checked(group)?;
        digits = rest;
        let number: u32 = these.parse().ok()?;
        let bytes = number.to_be_bytes();
        out.extend(bytes[4 - PARTIAL[group]..].iter().map(|byte| byte ^ flip));
    }
    *out.get_mut(start)? ^= 0x80;
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, precision: u8, scale: u8, canonical: &str) {
        let mut bytes = Vec::new();
        encode(text.as_bytes(), precision, scale, &mut bytes).expect("it fits");
        assert_eq!(bytes.len(), size(precision, scale));
        assert_eq!(decode(&bytes, precision, scale), canonical);
    }

    #[test]
    fn a_number_is_what_the_server_stores() {
        let mut bytes = Vec::new();
        encode(b"1234567890.1234", 14, 4, &mut bytes).expect("it fits");
        // The example of MySQL's own documentation.
        assert_eq!(bytes, [0x81, 0x0d, 0xfb, 0x38, 0xd2, 0x04, 0xd2]);
        let mut bytes = Vec::new();
        encode(b"-1234567890.1234", 14, 4, &mut bytes).expect("it fits");
        assert_eq!(bytes, [0x7e, 0xf2, 0x04, 0xc7, 0x2d, 0xfb, 0x2d]);
    }

    #[test]
    fn numbers_come_back() {
        check("0.00", 10, 2, "0.00");
        check("-0.5", 3, 1, "-0.5");
        check("5", 1, 0, "5");
        check(".25", 2, 2, "0.25");
        check(
            "-12345678901234567890.0123456789",
            30,
            10,
            "-12345678901234567890.0123456789",
        );
        check(&"9".repeat(65), 65, 0, &"9".repeat(65));
    }

    #[test]
    fn filling_is_no_part_of_a_number() {
        for (filled, number) in [
            ("000.500", "0.500"),
            ("0012", "12"),
            ("000", "0"),
            ("-1.5", "-1.5"),
            ("7", "7"),
        ] {
            assert_eq!(without_fill(filled), number);
        }
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        assert_eq!(encode(b"100", 2, 0, &mut Vec::new()), None);
        assert_eq!(encode(b"1.234", 4, 2, &mut Vec::new()), None);
        assert_eq!(encode(b"1e5", 9, 0, &mut Vec::new()), None);
    }
}
