use std::fmt;

use reqwest::header::HeaderMap;

use super::headers;

/// The credentials of a user of the API, declared with [`HttpClient::with_role`](crate::HttpClient::with_role).
///
/// A role without credentials is one too: it has cookies of its own.
#[derive(Clone, Default)]
pub struct Role {
    pub(super) headers: HeaderMap,
    pub(super) wrong: Option<String>,
}

impl Role {
    /// Sends `Authorization: Bearer …` with every request.
    #[must_use]
    pub fn bearer(mut self, token: &str) -> Self {
        let put = headers::put_bearer(&mut self.headers, token);
        self.note(put)
    }

    /// Sends `Authorization: Basic …` with every request.
    #[must_use]
    pub fn basic(mut self, user: &str, password: &str) -> Self {
        let put = headers::put_basic(&mut self.headers, user, password);
        self.note(put)
    }

    /// Sends this header with every request.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        let put = headers::put(&mut self.headers, name, value);
        self.note(put)
    }

    fn note(mut self, put: Result<(), String>) -> Self {
        if let Err(why) = put {
            self.wrong.get_or_insert(why);
        }
        self
    }
}

impl fmt::Debug for Role {
    // Without the values: they are credentials.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.headers.keys().collect();
        f.debug_struct("Role").field("headers", &names).finish()
    }
}
