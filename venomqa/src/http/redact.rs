use std::borrow::Cow;
use std::collections::BTreeSet;

use bytes::Bytes;
use reqwest::header::{
    AUTHORIZATION, CONTENT_TYPE, COOKIE, HeaderMap, HeaderName, HeaderValue, PROXY_AUTHORIZATION,
    SET_COOKIE,
};

use super::exchange::Exchanged;
use super::{json_fields, multipart};

/// What stands in a report where a secret was.
pub(crate) const REDACTED: &str = "[redacted]";

/// A field whose name contains one of these holds a secret. Compared without case, `-` and `_`.
const SECRET_NAMES: [&str; 12] = [
    "password",
    "passwd",
    "passphrase",
    "secret",
    "token",
    "apikey",
    "authorization",
    "credential",
    "privatekey",
    "jwt",
    "sessionid",
    "cookie",
];

/// Bytes of a body that a report shows.
const SHOWN: usize = 16 * 1024;

/// A value this short may occur anywhere by chance, so it is taken out only where its name tells that it is a secret.
pub(crate) const SHORTEST_LITERAL: usize = 8;

/// Which fields are kept out of reports.
#[derive(Clone, Debug, Default)]
pub(crate) struct Redaction {
    more: BTreeSet<String>,
}

impl Redaction {
    pub(super) fn hide(&mut self, field: &str) {
        self.more.insert(folded(field));
    }

    pub(crate) fn hides(&self, field: &str) -> bool {
        let field = folded(field);
        SECRET_NAMES.iter().any(|name| field.contains(name)) || self.more.contains(&field)
    }

    /// The secrets in these headers, those that are long enough to be looked for elsewhere.
    pub(super) fn literals<'a>(&self, headers: &'a HeaderMap) -> impl Iterator<Item = &'a str> {
        headers
            .iter()
            .filter(|(name, _)| self.hides(name.as_str()))
            .filter_map(|(name, value)| Some((name, value.to_str().ok()?)))
            .flat_map(|(name, value)| credentials(name, value))
            .filter(|value| value.len() >= SHORTEST_LITERAL)
    }

    pub(super) fn in_url(&self, url: &str) -> String {
        match url.split_once('?') {
            Some((path, query)) => format!("{path}?{}", self.in_form(query)),
            None => url.to_owned(),
        }
    }

    fn in_form(&self, fields: &str) -> String {
        let shown: Vec<Cow<'_, str>> = fields
            .split('&')
            .map(|field| match field.split_once('=') {
                Some((name, _)) if self.hides(&decoded(name)) => {
                    format!("{name}={REDACTED}").into()
                }
                _ => field.into(),
            })
            .collect();
        shown.join("&")
    }
}

/// The secrets of one exchange: fields known by their names, and the credentials it was sent with, wherever they are repeated.
pub(super) struct Secrets<'a> {
    redaction: &'a Redaction,
    literals: BTreeSet<&'a str>,
}

impl<'a> Secrets<'a> {
    pub(super) fn of(whole: &'a Exchanged) -> Self {
        let redaction = &whole.settings.redaction;
        let roles = whole.settings.roles.values().map(|role| &role.headers);
        let answered = whole.answer.as_ref().map(|answer| &answer.headers);
        let literals = roles.chain([&whole.sent.headers]).chain(answered);
        let literals = literals
            .flat_map(|headers| redaction.literals(headers))
            .collect();
        Self {
            redaction,
            literals,
        }
    }

    pub(super) fn in_url(&self, url: &str) -> String {
        self.without_literals(self.redaction.in_url(url))
    }

    pub(super) fn in_header(&self, name: &HeaderName, value: &HeaderValue) -> String {
        let Ok(value) = value.to_str() else {
            return format!("{} bytes of binary", value.len());
        };
        if !self.redaction.hides(name.as_str()) {
            // Such as a `Location` with a token in it.
            return self.in_url(value);
        }
        if name == AUTHORIZATION || name == PROXY_AUTHORIZATION {
            return match value.split_once(' ') {
                Some((scheme, _)) => format!("{scheme} {REDACTED}"),
                None => REDACTED.into(),
            };
        }
        if name == SET_COOKIE {
            let attributes = value.split_once(';').map_or("", |(_, rest)| rest);
            let name = value.split(['=', ';']).next().unwrap_or_default();
            let separator = if attributes.is_empty() { "" } else { ";" };
            return format!("{name}={REDACTED}{separator}{attributes}");
        }
        if name == COOKIE {
            let pairs: Vec<_> = value
                .split(';')
                .map(|pair| {
                    let name = pair.split('=').next().unwrap_or_default().trim();
                    format!("{name}={REDACTED}")
                })
                .collect();
            return pairs.join("; ");
        }
        REDACTED.into()
    }

    pub(super) fn in_body(&self, headers: &HeaderMap, body: &Bytes) -> String {
        let content_type = headers
            .get(CONTENT_TYPE)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default();
        let shown = if let Some(boundary) = multipart::boundary(content_type) {
            multipart::shown(body, boundary, |name| self.redaction.hides(name))
        } else {
            let Some(text) = as_text(body) else {
                return format!("{} bytes of binary", body.len());
            };
            if content_type.starts_with("application/x-www-form-urlencoded") {
                self.redaction.in_form(text)
            } else {
                // Also where the type says otherwise: many servers send JSON as `text/plain`.
                json_fields::replaced(text, |name| self.redaction.hides(name), REDACTED)
            }
        };
        cut(self.without_literals(shown), body.len())
    }

    fn without_literals(&self, mut text: String) -> String {
        for literal in &self.literals {
            if text.contains(literal) {
                text = text.replace(literal, REDACTED);
            }
        }
        text
    }
}

/// The secret parts of a secret header.
fn credentials<'a>(name: &HeaderName, value: &'a str) -> Vec<&'a str> {
    if name == AUTHORIZATION || name == PROXY_AUTHORIZATION {
        vec![value.split_once(' ').map_or(value, |(_, secret)| secret)]
    } else if name == COOKIE {
        value
            .split(';')
            .filter_map(|pair| Some(pair.split_once('=')?.1.trim()))
            .collect()
    } else if name == SET_COOKIE {
        let pair = value
            .split(';')
            .next()
            .and_then(|pair| pair.split_once('='));
        pair.map(|(_, value)| value.trim()).into_iter().collect()
    } else {
        vec![value]
    }
}

/// Bytes as text, unless they hold what no text holds.
pub(super) fn as_text(bytes: &[u8]) -> Option<&str> {
    std::str::from_utf8(bytes)
        .ok()
        .filter(|text| !text.contains('\0'))
}

fn cut(mut text: String, whole: usize) -> String {
    if text.len() > SHOWN {
        text.truncate(text.floor_char_boundary(SHOWN));
        text.push_str(&format!("… ({whole} bytes in all)"));
    }
    text
}

fn folded(name: &str) -> String {
    name.chars()
        .filter(|c| !matches!(c, '-' | '_' | ' '))
        .flat_map(char::to_lowercase)
        .collect()
}

/// A name in a query as its author wrote it.
fn decoded(name: &str) -> String {
    serde_urlencoded::from_str::<Vec<(String, String)>>(name)
        .ok()
        .and_then(|pairs| pairs.into_iter().next())
        .map_or_else(|| name.to_owned(), |(name, _)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(url: &str, expected: &str) {
        let mut redaction = Redaction::default();
        redaction.hide("ssn");
        assert_eq!(redaction.in_url(url), expected);
    }

    #[test]
    fn secrets_in_a_query_are_known_by_their_names() {
        check("/a?b=1", "/a?b=1");
        check("/a?api_key=x&b=1", "/a?api_key=[redacted]&b=1");
        check("/a?api%5Fkey=x", "/a?api%5Fkey=[redacted]");
        check("/a?API-Key=x", "/a?API-Key=[redacted]");
        check("/a?new_password=x", "/a?new_password=[redacted]");
        check("/a?SSN=1", "/a?SSN=[redacted]");
        check("/a?lesson=1", "/a?lesson=1");
    }
}
