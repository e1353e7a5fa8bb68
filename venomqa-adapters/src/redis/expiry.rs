use std::time::Instant;

const SECOND: i64 = 1000;
const MINUTE: i64 = 60 * SECOND;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

/// Spans of time that people choose.
const SPANS: &[(i64, &str)] = &[
    (SECOND, "1 s"),
    (2 * SECOND, "2 s"),
    (5 * SECOND, "5 s"),
    (10 * SECOND, "10 s"),
    (15 * SECOND, "15 s"),
    (30 * SECOND, "30 s"),
    (MINUTE, "1 min"),
    (2 * MINUTE, "2 min"),
    (5 * MINUTE, "5 min"),
    (10 * MINUTE, "10 min"),
    (15 * MINUTE, "15 min"),
    (30 * MINUTE, "30 min"),
    (HOUR, "1 h"),
    (2 * HOUR, "2 h"),
    (3 * HOUR, "3 h"),
    (6 * HOUR, "6 h"),
    (12 * HOUR, "12 h"),
    (DAY, "1 day"),
    (2 * DAY, "2 days"),
    (7 * DAY, "7 days"),
    (14 * DAY, "14 days"),
    (31 * DAY, "31 days"),
    (92 * DAY, "92 days"),
    (366 * DAY, "1 year"),
];

/// The server's clock, which runs on after it was read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Clock {
    read: i64,
    at: Instant,
}

impl Clock {
    /// It says so many milliseconds.
    pub(super) fn says(milliseconds: i64) -> Self {
        Self {
            read: milliseconds,
            at: Instant::now(),
        }
    }

    /// What it said when it was read.
    pub(super) fn read(self) -> i64 {
        self.read
    }

    /// What it says now.
    pub(super) fn now(self) -> i64 {
        let passed = i64::try_from(self.at.elapsed().as_millis());
        self.read.saturating_add(passed.unwrap_or(i64::MAX))
    }
}

/// How the time that a key has left is told: `within 1 h`.
///
/// What a server says is a little less than what an application set, by as much as passed in between. Rounded up to a span that
/// people choose, it is the same every time, and an hour still differs from a minute.
pub(super) fn expires(remaining: i64) -> String {
    let span = SPANS.iter().find(|(span, _)| remaining <= *span);
    match span {
        Some((_, name)) => format!("within {name}"),
        None => "after more than 1 year".into(),
    }
}

/// How far the time that a key has left may run down before a restore sets it again, in milliseconds: a second, and less for a key that
/// has little.
pub(super) fn tolerance(remaining: i64) -> i64 {
    SECOND.min(remaining / 64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_set_is_told_although_time_passed() {
        let check = |set: i64, told: &str| {
            for passed in [0, 1, 400] {
                assert_eq!(expires(set - passed), told, "{set} - {passed}");
            }
        };
        check(MINUTE, "within 1 min");
        check(90 * SECOND, "within 2 min");
        check(HOUR, "within 1 h");
        check(30 * DAY, "within 31 days");
        check(400 * DAY, "after more than 1 year");
        assert_eq!(expires(1), "within 1 s");
    }
}
