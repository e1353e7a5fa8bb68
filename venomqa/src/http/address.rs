use std::net::{IpAddr, SocketAddr};

use reqwest::Url;

use crate::{Error, Result};

/// Where an API is: a base URL without query, and what to say of its host.
#[derive(Clone, Debug)]
pub(super) struct Address {
    /// Ends in `/`.
    base: Url,
    is_loopback: bool,
}

/// Why a path cannot be requested. Becomes an [`Error::Request`].
pub(super) type Refusal = String;

impl Address {
    pub(super) fn parse(text: &str) -> Result<Self> {
        let wrong = |why: &str| {
            Error::set_up(format!(
                "`{text}` is no base URL of an API: {why}; expected something like `http://127.0.0.1:8080`"
            ))
        };
        let mut base = Url::parse(text).map_err(|error| wrong(&error.to_string()))?;
        match base.scheme() {
            "http" => {}
            "https" if cfg!(feature = "tls") => {}
            "https" => {
                return Err(wrong(
                    "`https` needs the feature `tls` of the crate `venomqa`",
                ));
            }
            other => return Err(wrong(&format!("`{other}` is not HTTP"))),
        }
        if !base.username().is_empty() || base.password().is_some() {
            return Err(wrong(
                "it holds credentials; give them with `with_role` or `with_header` instead",
            ));
        }
        if base.query().is_some() || base.fragment().is_some() {
            return Err(wrong("it has a query or a fragment"));
        }
        if !base.path().ends_with('/') {
            base.set_path(&format!("{}/", base.path()));
        }
        let is_loopback = is_loopback(&base);
        Ok(Self { base, is_loopback })
    }

    /// The URL without the trailing slash.
    pub(super) fn as_str(&self) -> &str {
        self.base.as_str().trim_end_matches('/')
    }

    pub(super) fn host(&self) -> &str {
        self.base.host_str().unwrap_or_default()
    }

    /// Whether a `Secure` cookie may go there: through TLS, or without leaving the machine.
    pub(super) fn keeps_secrets(&self) -> bool {
        self.is_loopback || self.base.scheme() == "https"
    }

    pub(super) fn at_port(&self, port: u16) -> Self {
        let mut moved = self.clone();
        // Only a URL without a host has no port, and `parse` lets none through.
        let _ = moved.base.set_port(Some(port));
        moved
    }

    /// Whether a request there may carry the credentials and cookies of this API.
    pub(super) fn is_origin_of(&self, url: &Url) -> bool {
        self.base.origin() == url.origin()
    }

    /// Whether requests to this URL are allowed at all.
    pub(super) fn admits(&self, url: &Url, allow_remote: bool) -> Result<(), Refusal> {
        if allow_remote {
            return Ok(());
        }
        if !self.is_origin_of(url) {
            return Err(format!(
                "`{}` is another server than the API at {}; if that is meant, give it an `HttpClient` of its own, or say `.allow_remote()`",
                url.host_str().unwrap_or_default(),
                self.as_str()
            ));
        }
        if self.is_loopback {
            return Ok(());
        }
        Err(format!(
            "`{}` is not this machine, and an exploration fires thousands of requests that nobody undoes there; use 127.0.0.1, ::1 or localhost, or say `.allow_remote()` if it is a test server of yours",
            self.host()
        ))
    }

    /// The URL of a path below the base, or the path itself if it is a URL already.
    pub(super) fn join(&self, path: &str, query: &str) -> Result<Url, Refusal> {
        // The URL parser drops these silently, which would request something else than what was written.
        if path.chars().any(char::is_control) {
            return Err(format!("the path {path:?} holds a control character"));
        }
        if path.contains('#') {
            return Err(format!(
                "the path `{path}` holds a `#`, after which nothing is sent; write `%23`"
            ));
        }
        let parsed = if path.starts_with("http://") || path.starts_with("https://") {
            Url::parse(path)
        } else {
            Url::parse(&format!(
                "{}{}",
                self.base,
                path.strip_prefix('/').unwrap_or(path)
            ))
        };
        let mut url = parsed.map_err(|error| format!("`{path}` is no path: {error}"))?;
        if !query.is_empty() {
            let whole = match url.query() {
                Some(present) if !present.is_empty() => format!("{present}&{query}"),
                _ => query.to_owned(),
            };
            url.set_query(Some(&whole));
        }
        Ok(url)
    }

    /// The host names that must not be looked up, with the addresses to take instead: a hosts file or a name server that sends
    /// `localhost` elsewhere is not asked.
    pub(super) fn pinned(&self) -> Vec<(String, [SocketAddr; 2])> {
        let loopback = [
            ([127, 0, 0, 1], 0).into(),
            (IpAddr::from([0, 0, 0, 0, 0, 0, 0, 1]), 0).into(),
        ];
        let mut pinned = vec![("localhost".to_owned(), loopback)];
        if self.host().ends_with(".localhost") {
            pinned.push((self.host().to_owned(), loopback));
        }
        pinned
    }
}

fn is_loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    if host == "localhost" || host.ends_with(".localhost") {
        return true;
    }
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    bare.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(base: &str, path: &str, expected: &str) {
        let address = Address::parse(base).expect("a base URL");
        assert_eq!(
            address.join(path, "").map(String::from),
            Ok(expected.into())
        );
    }

    #[test]
    fn a_path_goes_below_the_base_whatever_it_begins_with() {
        check("http://127.0.0.1:1", "/a", "http://127.0.0.1:1/a");
        check("http://127.0.0.1:1", "a", "http://127.0.0.1:1/a");
        check(
            "http://127.0.0.1:1/v1",
            "/a?b=c",
            "http://127.0.0.1:1/v1/a?b=c",
        );
        check("http://127.0.0.1:1/v1/", "", "http://127.0.0.1:1/v1/");
        check(
            "http://127.0.0.1:1",
            "//evil.example/a",
            "http://127.0.0.1:1//evil.example/a",
        );
        check(
            "http://127.0.0.1:1",
            "@evil.example",
            "http://127.0.0.1:1/@evil.example",
        );
        check(
            "http://127.0.0.1:1",
            ":99@evil.example",
            "http://127.0.0.1:1/:99@evil.example",
        );
    }

    #[test]
    fn what_the_parser_would_drop_silently_is_refused() {
        let address = Address::parse("http://127.0.0.1:1").expect("a base URL");
        assert!(address.join("/orders/a#b", "").is_err());
        assert!(address.join("/orders/a\nb", "").is_err());
    }

    #[test]
    fn loopback_is_known_in_all_its_spellings() {
        for (text, expected) in [
            ("http://127.0.0.1", true),
            ("http://127.9.9.9:80", true),
            ("http://2130706433", true),
            ("http://[::1]:80", true),
            ("http://LOCALHOST", true),
            ("http://api.localhost", true),
            ("http://localhost.", false),
            ("http://localhost.evil.example", false),
            ("http://127.0.0.1.evil.example", false),
            ("http://0.0.0.0", false),
            ("http://10.0.0.1", false),
            ("http://example.com", false),
        ] {
            let address = Address::parse(text).expect(text);
            assert_eq!(address.is_loopback, expected, "{text}");
        }
    }

    #[test]
    fn another_server_is_refused_and_the_error_says_what_to_do() {
        let remote = Address::parse("http://example.com").expect("a base URL");
        let url = remote.join("/a", "").expect("a path");
        let why = remote.admits(&url, false).expect_err("remote");
        assert!(why.contains("`.allow_remote()`"), "{why}");
        assert!(remote.admits(&url, true).is_ok());

        let local = Address::parse("http://127.0.0.1:1").expect("a base URL");
        let elsewhere = local.join("http://127.0.0.1:2/a", "").expect("a URL");
        assert!(local.admits(&elsewhere, false).is_err());
    }
}
