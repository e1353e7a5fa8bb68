use std::time::{SystemTime, UNIX_EPOCH};

/// A `Set-Cookie` line, read as RFC 6265, section 5.2 says.
pub(super) struct SetCookie {
    pub(super) name: String,
    pub(super) value: String,
    /// Without a leading dot, in lower case.
    pub(super) domain: Option<String>,
    pub(super) path: Option<String>,
    pub(super) secure: bool,
    pub(super) expired: bool,
}

impl SetCookie {
    pub(super) fn parse(line: &str) -> Option<Self> {
        let mut parts = line.split(';');
        let (name, value) = parts.next()?.split_once('=')?;
        if name.trim().is_empty() {
            return None;
        }
        let mut cookie = Self {
            name: name.trim().into(),
            value: value.trim().into(),
            domain: None,
            path: None,
            secure: false,
            expired: false,
        };
        let (mut max_age, mut expires) = (None, None);
        for attribute in parts {
            let (key, value) = attribute.split_once('=').unwrap_or((attribute, ""));
            let (key, value) = (key.trim().to_ascii_lowercase(), value.trim());
            match &*key {
                "max-age" => max_age = value.parse::<i64>().ok().or(max_age),
                "expires" => expires = seconds(value).or(expires),
                "domain" if !value.is_empty() => {
                    let domain = value.strip_prefix('.').unwrap_or(value);
                    cookie.domain = Some(domain.to_ascii_lowercase());
                }
                "path" => cookie.path = value.starts_with('/').then(|| value.into()),
                "secure" => cookie.secure = true,
                _ => {}
            }
        }
        cookie.expired = match (max_age, expires) {
            (Some(age), _) => age <= 0,
            (None, Some(at)) => at <= now(),
            (None, None) => false,
        };
        Some(cookie)
    }
}

fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| {
        i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
    })
}

/// A cookie date as Unix seconds, by the tolerant algorithm of RFC 6265, section 5.1.1: the first token that looks like a time, a day, a
/// month, a year, in any order.
fn seconds(date: &str) -> Option<i64> {
    const MONTHS: [&str; 12] = [
        "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
    ];
    let (mut time, mut day, mut month, mut year) = (None, None, None, None);
    for token in date.split(|c: char| !c.is_ascii_alphanumeric() && c != ':') {
        let number = || token.parse::<i64>().ok();
        if token.contains(':') {
            if time.is_none() {
                let parts: Vec<i64> = token
                    .split(':')
                    .map_while(|part| part.parse().ok())
                    .collect();
                if let [h, m, s] = parts[..] {
                    time = Some(h * 3600 + m * 60 + s);
                }
            }
        } else if day.is_none() && token.len() <= 2 && number().is_some() {
            day = number();
        } else if month.is_none()
            && token.len() >= 3
            && !token.starts_with(|c: char| c.is_ascii_digit())
        {
            let start = token[..3].to_ascii_lowercase();
            month = MONTHS.iter().position(|name| *name == start);
        } else if year.is_none() && matches!(token.len(), 2 | 4) {
            year = number().map(|year| match year {
                0..=69 => year + 2000,
                70..=99 => year + 1900,
                _ => year,
            });
        }
    }
    let month = i64::try_from(month?).ok()? + 1;
    Some(days(year?, month, day?) * 86_400 + time?)
}

/// Days since 1970-01-01 in the Gregorian calendar (Howard Hinnant, `days_from_civil`).
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(date: &str, expected: Option<i64>) {
        assert_eq!(seconds(date), expected, "{date}");
    }

    #[test]
    fn dates_are_read_in_all_their_forms() {
        check("Thu, 01 Jan 1970 00:00:00 GMT", Some(0));
        check("Thu, 01-Jan-1970 00:00:10 GMT", Some(10));
        check("Sunday, 06-Nov-94 08:49:37 GMT", Some(784_111_777));
        check("Sun Nov  6 08:49:37 1994", Some(784_111_777));
        check("Tue, 29 Feb 2000 12:00:00 GMT", Some(951_825_600));
        check("Fri, 31 Dec 9999 23:59:59 GMT", Some(253_402_300_799));
        check("tomorrow", None);
        check("", None);
    }

    #[test]
    fn max_age_wins_over_expires() {
        let line = "a=1; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=60";
        assert!(!SetCookie::parse(line).expect("a cookie").expired);
    }

    #[test]
    fn a_line_without_a_name_is_none() {
        assert!(SetCookie::parse("=1").is_none());
        assert!(SetCookie::parse("nothing").is_none());
        assert!(SetCookie::parse("").is_none());
    }
}
