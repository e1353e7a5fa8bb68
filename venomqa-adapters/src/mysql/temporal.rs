//! Dates and times as they lie in a row: packed bits, the most significant first, then a fraction of a second.

use mysql_async::Value as SqlValue;

/// How many bytes a fraction of so many digits takes.
pub(super) fn fraction_size(digits: u8) -> usize {
    usize::from(digits).div_ceil(2)
}

/// What the last unit of a stored fraction is worth, in microseconds.
fn unit(digits: u8) -> u32 {
    match fraction_size(digits) {
        0 => 1_000_000,
        1 => 10_000,
        2 => 100,
        _ => 1,
    }
}

/// A point in time, or an interval of hours and less.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Moment {
    year: u16,
    month: u8,
    day: u8,
    negative: bool,
    hour: u32,
    minute: u8,
    second: u8,
    micros: u32,
}

impl Moment {
    fn date(self) -> String {
        format!("{:04}-{:02}-{:02}", self.year, self.month, self.day)
    }

    fn time(self, digits: u8) -> String {
        let sign = if self.negative { "-" } else { "" };
        let (hour, minute, second) = (self.hour, self.minute, self.second);
        let fraction = format!("{:06}", self.micros);
        match fraction.get(..digits.into()) {
            Some(digits) if !digits.is_empty() => {
                format!("{sign}{hour:02}:{minute:02}:{second:02}.{digits}")
            }
            _ => format!("{sign}{hour:02}:{minute:02}:{second:02}"),
        }
    }

    fn of(value: &SqlValue) -> Option<Self> {
        Some(match *value {
            SqlValue::Date(year, month, day, hour, minute, second, micros) => Self {
                year,
                month,
                day,
                negative: false,
                hour: hour.into(),
                minute,
                second,
                micros,
            },
            SqlValue::Time(negative, days, hours, minute, second, micros) => Self {
                negative,
                hour: days * 24 + u32::from(hours),
                minute,
                second,
                micros,
                ..Self::default()
            },
            _ => return None,
        })
    }
}

/// A date, a time or both, as they are told of a followed table too.
pub(super) fn text(value: &SqlValue, is_date: bool, digits: u8) -> String {
    let Some(moment) = Moment::of(value) else {
        return String::new();
    };
    match value {
        SqlValue::Time(..) => moment.time(digits),
        _ if is_date => moment.date(),
        _ => format!("{} {}", moment.date(), moment.time(digits)),
    }
}

fn big_endian(bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .fold(0, |number, byte| number << 8 | u64::from(*byte))
}

/// The last `count` bytes of a number, the most significant first.
fn push(out: &mut Vec<u8>, number: u64, count: usize) {
    out.extend_from_slice(&number.to_be_bytes()[8 - count..]);
}

fn push_fraction(out: &mut Vec<u8>, micros: u32, digits: u8) {
    push(out, (micros / unit(digits)).into(), fraction_size(digits));
}

fn fraction(bytes: &[u8], digits: u8) -> u32 {
    match bytes {
        [] => 0,
        bytes => big_endian(bytes) as u32 * unit(digits),
    }
}

/// `2024-02-29`.
pub(super) fn decode_date(bytes: [u8; 3]) -> String {
    let [low, middle, high] = bytes.map(u32::from);
    let packed = low | middle << 8 | high << 16;
    let (year, month, day) = (packed >> 9, packed >> 5 & 15, packed & 31);
    format!("{year:04}-{month:02}-{day:02}")
}

pub(super) fn encode_date(value: &SqlValue, out: &mut Vec<u8>) -> Option<()> {
    let Moment {
        year, month, day, ..
    } = Moment::of(value)?;
    let packed = u32::from(year) << 9 | u32::from(month) << 5 | u32::from(day);
    out.extend_from_slice(&packed.to_le_bytes()[..3]);
    Some(())
}

const DATETIME_ZERO: u64 = 1 << 39;

/// `2024-02-29 12:00:00.123`.
pub(super) fn decode_datetime(bytes: &[u8], digits: u8) -> String {
    let (packed, rest) = bytes.split_at(5);
    let packed = big_endian(packed).wrapping_sub(DATETIME_ZERO);
    let months = packed >> 22 & 0x1_ffff;
    let moment = Moment {
        year: (months / 13) as u16,
        month: (months % 13) as u8,
        day: (packed >> 17 & 31) as u8,
        negative: false,
        hour: (packed >> 12 & 31) as u32,
        minute: (packed >> 6 & 63) as u8,
        second: (packed & 63) as u8,
        micros: fraction(rest, digits),
    };
    format!("{} {}", moment.date(), moment.time(digits))
}

pub(super) fn encode_datetime(value: &SqlValue, digits: u8, out: &mut Vec<u8>) -> Option<()> {
    let moment = Moment::of(value)?;
    let months = u64::from(moment.year) * 13 + u64::from(moment.month);
    let time =
        u64::from(moment.hour) << 12 | u64::from(moment.minute) << 6 | u64::from(moment.second);
    let packed = months << 22 | u64::from(moment.day) << 17 | time;
    push(out, packed + DATETIME_ZERO, 5);
    push_fraction(out, moment.micros, digits);
    Some(())
}

/// The same, of seconds since 1970 in UTC; the zero timestamp is `0000-00-00 00:00:00`.
pub(super) fn decode_timestamp(bytes: &[u8], digits: u8) -> String {
    let (seconds, rest) = bytes.split_at(4);
    let seconds = big_endian(seconds);
    let micros = fraction(rest, digits);
    let mut moment = Moment {
        hour: (seconds / 3600 % 24) as u32,
        minute: (seconds / 60 % 60) as u8,
        second: (seconds % 60) as u8,
        micros,
        ..Moment::default()
    };
    if (seconds, micros) != (0, 0) {
        (moment.year, moment.month, moment.day) = date_of(seconds / 86400);
    }
    format!("{} {}", moment.date(), moment.time(digits))
}

pub(super) fn encode_timestamp(value: &SqlValue, digits: u8, out: &mut Vec<u8>) -> Option<()> {
    let moment = Moment::of(value)?;
    let seconds = match moment.year {
        0 => 0,
        _ => {
            let days = days_before(moment.year, moment.month, moment.day);
            let time =
                moment.hour * 3600 + u32::from(moment.minute) * 60 + u32::from(moment.second);
            days * 86400 + u64::from(time)
        }
    };
    push(out, seconds, 4);
    push_fraction(out, moment.micros, digits);
    Some(())
}

const TIME_ZERO: i64 = 1 << 23;

/// `-12:00:00.5`.
pub(super) fn decode_time(bytes: &[u8], digits: u8) -> String {
    let (whole, rest) = bytes.split_at(3);
    // A negative time with a fraction is one second less and what is missing to it.
    let scale = 1_i64 << (8 * rest.len());
    let stored = (big_endian(whole) as i64 - TIME_ZERO) * scale + big_endian(rest) as i64;
    let (packed, part) = (stored.abs() / scale, stored.abs() % scale);
    let moment = Moment {
        negative: stored < 0,
        hour: (packed >> 12 & 1023) as u32,
        minute: (packed >> 6 & 63) as u8,
        second: (packed & 63) as u8,
        micros: part as u32 * if rest.is_empty() { 0 } else { unit(digits) },
        ..Moment::default()
    };
    moment.time(digits)
}

pub(super) fn encode_time(value: &SqlValue, digits: u8, out: &mut Vec<u8>) -> Option<()> {
    let moment = Moment::of(value)?;
    let size = fraction_size(digits);
    let packed =
        i64::from(moment.hour) << 12 | i64::from(moment.minute) << 6 | i64::from(moment.second);
    let stored = (packed << (8 * size)) + i64::from(moment.micros / unit(digits));
    let signed = if moment.negative { -stored } else { stored };
    push(out, (signed + (TIME_ZERO << (8 * size))) as u64, 3 + size);
    Some(())
}

/// The days from 1970-01-01 to a date that does not lie before it.
///
/// After Howard Hinnant, "chrono-compatible low-level date algorithms".
fn days_before(year: u16, month: u8, day: u8) -> u64 {
    let (year, month, day) = (u64::from(year), u64::from(month), u64::from(day));
    let year = if month <= 2 { year - 1 } else { year };
    let (era, of_era) = (year / 400, year % 400);
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let days = of_era * 365 + of_era / 4 - of_era / 100 + of_year;
    (era * 146_097 + days).saturating_sub(719_468)
}

/// The date so many days after 1970-01-01. The way back from [`days_before`].
fn date_of(days: u64) -> (u16, u8, u8) {
    let days = days + 719_468;
    let (era, of_era) = (days / 146_097, days % 146_097);
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let shifted = (5 * of_year + 2) / 153;
    let day = of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 {
        shifted + 3
    } else {
        shifted - 9
    };
    let year = year + era * 400 + u64::from(month <= 2);
    (year as u16, month as u8, day as u8)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_comes_back() {
        let check = |value: SqlValue, digits: u8, text: &str| {
            let (mut datetime, mut timestamp) = (Vec::new(), Vec::new());
            encode_datetime(&value, digits, &mut datetime).expect("a moment");
            assert_eq!(decode_datetime(&datetime, digits), text);
            encode_timestamp(&value, digits, &mut timestamp).expect("a moment");
            assert_eq!(decode_timestamp(&timestamp, digits), text);
        };
        check(
            SqlValue::Date(2024, 2, 29, 23, 59, 58, 0),
            0,
            "2024-02-29 23:59:58",
        );
        check(
            SqlValue::Date(2038, 1, 1, 0, 0, 0, 120_000),
            2,
            "2038-01-01 00:00:00.12",
        );
        check(
            SqlValue::Date(1970, 1, 1, 0, 0, 1, 999_900),
            4,
            "1970-01-01 00:00:01.9999",
        );
        check(
            SqlValue::Date(2000, 12, 31, 1, 2, 3, 4),
            6,
            "2000-12-31 01:02:03.000004",
        );
        check(
            SqlValue::Date(0, 0, 0, 0, 0, 0, 0),
            0,
            "0000-00-00 00:00:00",
        );
        check(
            SqlValue::Date(2024, 3, 1, 0, 0, 0, 500_000),
            1,
            "2024-03-01 00:00:00.5",
        );
    }

    #[test]
    fn a_moment_lies_as_the_server_writes_it() {
        let check =
            |encode: fn(&SqlValue, u8, &mut Vec<u8>) -> Option<()>, value, digits, bytes: &[u8]| {
                let mut encoded = Vec::new();
                encode(&value, digits, &mut encoded).expect("a moment");
                assert_eq!(encoded, bytes);
            };
        // As a MariaDB 10.11 wrote them into its log.
        let moment = SqlValue::Date(2024, 6, 1, 10, 0, 0, 123_456);
        check(
            encode_datetime,
            moment.clone(),
            6,
            &[0x99, 0xb3, 0x82, 0xa0, 0x00, 0x01, 0xe2, 0x40],
        );
        check(
            encode_timestamp,
            moment,
            3,
            &[0x66, 0x5a, 0xf1, 0x20, 0x04, 0xd2],
        );
        check(
            encode_time,
            SqlValue::Time(true, 0, 12, 0, 0, 500_000),
            2,
            &[0x7f, 0x3f, 0xff, 0xce],
        );
    }

    #[test]
    fn an_interval_comes_back() {
        let check = |value: SqlValue, digits: u8, text: &str| {
            let mut bytes = Vec::new();
            encode_time(&value, digits, &mut bytes).expect("an interval");
            assert_eq!(decode_time(&bytes, digits), text);
        };
        check(SqlValue::Time(true, 34, 22, 59, 59, 0), 0, "-838:59:59");
        check(SqlValue::Time(true, 0, 0, 0, 0, 10_000), 2, "-00:00:00.01");
        check(
            SqlValue::Time(true, 0, 1, 0, 0, 999_999),
            6,
            "-01:00:00.999999",
        );
        check(SqlValue::Time(false, 0, 1, 2, 3, 4_500), 4, "01:02:03.0045");
        check(SqlValue::Time(true, 0, 1, 0, 0, 0), 3, "-01:00:00.000");
    }

    #[test]
    fn a_date_comes_back() {
        for (value, text) in [
            (SqlValue::Date(2024, 2, 29, 0, 0, 0, 0), "2024-02-29"),
            (SqlValue::Date(2024, 0, 0, 0, 0, 0, 0), "2024-00-00"),
            (SqlValue::Date(9999, 12, 31, 0, 0, 0, 0), "9999-12-31"),
        ] {
            let mut bytes = Vec::new();
            encode_date(&value, &mut bytes).expect("a date");
            assert_eq!(decode_date([bytes[0], bytes[1], bytes[2]]), text);
        }
    }
}
