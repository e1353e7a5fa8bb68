use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use super::address::Address;
use super::set_cookie::SetCookie;

/// The cookies of one API, for each role its own. A value: saved with every checkpoint and put back with it.
///
/// Equal cookies compare equal whenever they were set: no dates are kept. A server's `Max-Age` or `Expires` deletes a cookie if it lies in
/// the past, and is otherwise ignored, because a state must not change by waiting. `Domain` must fit the host, as in a browser;
/// `Secure` cookies are sent to loopback without TLS, as browsers do; `HttpOnly` and `SameSite` mean nothing here.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Cookies {
    // Shared with every checkpoint; copied only when a cookie changes.
    values: Arc<BTreeMap<Key, String>>,
}

#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    /// Empty for requests without a role.
    role: String,
    name: String,
    path: String,
}

impl Cookies {
    /// Role (empty for none), name and value of every cookie, in an order that depends on nothing else.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str, &str)> {
        self.values
            .iter()
            .map(|(key, value)| (&*key.role, &*key.name, &**value))
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// Does what a `Set-Cookie` line of an answer says. A line that a browser would ignore is ignored.
    pub(super) fn store(&mut self, role: &str, address: &Address, request_path: &str, line: &str) {
        let Some(cookie) = SetCookie::parse(line) else {
            return;
        };
        let host = address.host();
        let fits = cookie.domain.as_deref().is_none_or(|domain| {
            host == domain
                || host
                    .strip_suffix(domain)
                    .is_some_and(|rest| rest.ends_with('.'))
        });
        if !fits || (cookie.secure && !address.keeps_secrets()) {
            return;
        }
        let key = Key {
            role: role.into(),
            name: cookie.name,
            path: cookie
                .path
                .unwrap_or_else(|| default_path(request_path).into()),
        };
        if cookie.expired {
            if self.values.contains_key(&key) {
                Arc::make_mut(&mut self.values).remove(&key);
            }
        } else if self.values.get(&key) != Some(&cookie.value) {
            Arc::make_mut(&mut self.values).insert(key, cookie.value);
        }
    }

    /// The `Cookie` line of a request, longer paths first.
    pub(super) fn header(&self, role: &str, path: &str) -> Option<String> {
        if self.is_empty() {
            return None;
        }
        let mut fitting: Vec<_> = self
            .values
            .iter()
            .filter(|(key, _)| key.role == role && is_below(path, &key.path))
            .collect();
        fitting.sort_by_key(|(key, _)| std::cmp::Reverse(key.path.len()));
        let pairs: Vec<_> = fitting
            .iter()
            .map(|(key, value)| format!("{}={value}", key.name))
            .collect();
        (!pairs.is_empty()).then(|| pairs.join("; "))
    }
}

impl fmt::Debug for Cookies {
    // Without values: they are credentials.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list()
            .entries(self.values.keys().map(|key| (&key.role, &key.name)))
            .finish()
    }
}

/// RFC 6265, section 5.1.4.
fn default_path(request_path: &str) -> &str {
    match request_path.rfind('/') {
        None | Some(0) => "/",
        Some(end) => &request_path[..end],
    }
}

/// RFC 6265, section 5.1.4.
fn is_below(request_path: &str, cookie_path: &str) -> bool {
    request_path
        .strip_prefix(cookie_path)
        .is_some_and(|rest| rest.is_empty() || cookie_path.ends_with('/') || rest.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The `Cookie` line at `path` after the server at `base` has sent these lines in answer to `/shop/cart`.
    #[track_caller]
    fn check(base: &str, lines: &[&str], path: &str, expected: Option<&str>) {
        let address = Address::parse(base).expect("a base URL");
        let mut cookies = Cookies::default();
        for line in lines {
            cookies.store("", &address, "/shop/cart", line);
        }
        assert_eq!(cookies.header("", path).as_deref(), expected);
    }

    const HERE: &str = "http://127.0.0.1:1";

    #[test]
    fn a_cookie_is_sent_where_its_path_says() {
        check(HERE, &["a=1"], "/shop", Some("a=1"));
        check(HERE, &["a=1"], "/shop/x", Some("a=1"));
        check(HERE, &["a=1"], "/shopping", None);
        check(HERE, &["a=1; Path=/"], "/", Some("a=1"));
        check(HERE, &["a=1; path=/x"], "/shop", None);
        check(
            HERE,
            &["a=1; Path=/", "a=2; Path=/shop"],
            "/shop",
            Some("a=2; a=1"),
        );
    }

    #[test]
    fn a_cookie_is_replaced_and_deleted() {
        check(HERE, &["a=1", "a=2"], "/shop", Some("a=2"));
        check(HERE, &["a=1", "a=; Max-Age=0"], "/shop", None);
        check(
            HERE,
            &["a=1", "a=; Expires=Thu, 01 Jan 1970 00:00:00 GMT"],
            "/shop",
            None,
        );
        check(
            HERE,
            &["a=1", "a=; Max-Age=0; Path=/"],
            "/shop",
            Some("a=1"),
        );
    }

    #[test]
    fn a_cookie_of_another_host_or_unfit_for_plain_http_is_ignored() {
        check(HERE, &["a=1; Domain=example.com"], "/shop", None);
        check(HERE, &["a=1; Domain=127.0.0.1"], "/shop", Some("a=1"));
        check(
            "http://a.example.com",
            &["a=1; Domain=.example.com"],
            "/shop",
            Some("a=1"),
        );
        check(
            "http://badexample.com",
            &["a=1; Domain=example.com"],
            "/shop",
            None,
        );
        check(HERE, &["a=1; Secure"], "/shop", Some("a=1"));
        check("http://example.com", &["a=1; Secure"], "/shop", None);
    }

    #[test]
    fn an_older_value_is_not_touched_by_later_changes() {
        let address = Address::parse(HERE).expect("a base URL");
        let mut cookies = Cookies::default();
        cookies.store("alice", &address, "/", "a=1");
        let saved = cookies.clone();
        cookies.store("alice", &address, "/", "a=2");
        cookies.store("bob", &address, "/", "a=3");
        assert_eq!(saved.iter().collect::<Vec<_>>(), [("alice", "a", "1")]);
        assert_ne!(saved, cookies);
        cookies.store("alice", &address, "/", "a=1; Max-Age=60");
        cookies.store("bob", &address, "/", "a=; Max-Age=-1");
        assert_eq!(saved, cookies);
    }
}
