use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use reqwest::header::{CONTENT_TYPE, COOKIE, HeaderMap, HeaderName, HeaderValue};
use reqwest::{Method, Url};
use serde::Serialize;

use super::exchange::SentRequest;
use super::{HttpClient, Multipart, Response, flight, headers};
use crate::{Error, Result};

/// A request that was not sent yet. It owns all it needs, so a function may build it and leave the sending to others.
///
/// What is wrong with it (a header that no header can be, a body without JSON form) is the error of [`send`](Request::send).
///
/// ```no_run
/// # use venomqa::{HttpClient, Request, json};
/// fn cheap_order(api: &HttpClient) -> Request {
///     api.post("/orders").json(&json!({ "amount": 1 })).header("Idempotency-Key", "7")
/// }
/// ```
#[derive(Clone)]
#[must_use = "a request does nothing until it is sent"]
pub struct Request {
    client: HttpClient,
    method: String,
    path: String,
    query: String,
    headers: HeaderMap,
    body: Bytes,
    timeout: Option<Duration>,
    /// The first mistake made in building it.
    wrong: Option<String>,
}

impl Request {
    pub(super) fn new(client: HttpClient, method: &str, path: &str) -> Self {
        Self {
            client,
            method: method.into(),
            path: path.into(),
            query: String::new(),
            headers: HeaderMap::new(),
            body: Bytes::new(),
            timeout: None,
            wrong: None,
        }
    }

    /// Sends this value as JSON.
    pub fn json(self, value: &(impl Serialize + ?Sized)) -> Self {
        match serde_json::to_vec(value) {
            Ok(body) => self.typed("application/json", body.into()),
            Err(error) => self.note(Err(format!("the body has no JSON form: {error}"))),
        }
    }

    /// Sends these fields as a form (`application/x-www-form-urlencoded`).
    pub fn form(self, fields: &(impl Serialize + ?Sized)) -> Self {
        match serde_urlencoded::to_string(fields) {
            Ok(body) => self.typed("application/x-www-form-urlencoded", body.into()),
            Err(error) => self.note(Err(format!("the body has no form: {error}"))),
        }
    }

    /// Sends fields and files (`multipart/form-data`).
    pub fn multipart(self, parts: Multipart) -> Self {
        let (content_type, body) = parts.encode();
        self.typed(&content_type, body)
    }

    /// Sends these bytes as they are, without a `Content-Type`.
    pub fn body(mut self, bytes: impl Into<Bytes>) -> Self {
        self.body = bytes.into();
        self
    }

    /// Adds these fields to the query.
    pub fn query(mut self, fields: &(impl Serialize + ?Sized)) -> Self {
        match serde_urlencoded::to_string(fields) {
            Ok(more) => {
                if !self.query.is_empty() && !more.is_empty() {
                    self.query.push('&');
                }
                self.query.push_str(&more);
                self
            }
            Err(error) => self.note(Err(format!("the query has no form: {error}"))),
        }
    }

    /// Sets a header, in place of the client's and the role's header of that name.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        let put = headers::put(&mut self.headers, name, value);
        self.note(put)
    }

    /// Sends `Authorization: Bearer …`.
    pub fn bearer(mut self, token: &str) -> Self {
        let put = headers::put_bearer(&mut self.headers, token);
        self.note(put)
    }

    /// Sends `Authorization: Basic …`.
    pub fn basic(mut self, user: &str, password: &str) -> Self {
        let put = headers::put_basic(&mut self.headers, user, password);
        self.note(put)
    }

    /// How long this answer may take, in place of the client's limit.
    pub fn timeout(mut self, limit: Duration) -> Self {
        self.timeout = Some(limit);
        self
    }

    /// Sends it, and waits for the whole response. Any status is a response: a 404 or 500 is no error.
    ///
    /// # Errors
    ///
    /// - [`Error::Request`]: it could not be built, or goes to a server that is not allowed; nothing was sent.
    /// - [`Error::Timeout`]: no whole answer in time.
    /// - [`Error::Transport`]: no connection, or it was lost before the answer was whole.
    /// - [`Error::Body`]: the answer is larger than the limit.
    pub async fn send(self) -> Result<Response> {
        let sent = self.resolve()?;
        let limit = self.timeout.unwrap_or(self.client.settings.timeout);
        flight::send(&self.client, sent, limit).await
    }

    /// What will be sent, with all that the client and the role add.
    pub(super) fn resolve(&self) -> Result<SentRequest> {
        self.build().map_err(|why| Error::Request {
            method: self.method.clone(),
            url: self.client.settings.redaction.in_url(&self.path),
            why,
        })
    }

    fn build(&self) -> Result<SentRequest, String> {
        let settings = &self.client.settings;
        if let Some(why) = self.wrong.as_ref().or(settings.wrong.as_ref()) {
            return Err(why.clone());
        }
        let Ok(method) = Method::from_bytes(self.method.as_bytes()) else {
            return Err(format!("{:?} is no HTTP method", self.method));
        };
        let address = self.client.live.address();
        let url = address.join(&self.path, &self.query)?;
        address.admits(&url, settings.allow_remote)?;

        let mut headers = HeaderMap::new();
        if address.is_origin_of(&url) {
            headers.clone_from(&settings.headers);
            if let Some(name) = &self.client.role {
                let role = settings.roles.get(name).ok_or_else(|| {
                    let known: Vec<_> = self.client.roles().collect();
                    match known[..] {
                        [] => format!(
                            "there is no role `{name}`; declare it with `HttpClient::with_role`"
                        ),
                        _ => format!(
                            "there is no role `{name}`; declared are: {}",
                            known.join(", ")
                        ),
                    }
                })?;
                headers::lay_over(&mut headers, &role.headers);
            }
            self.add_cookies(&url, &mut headers);
        }
        headers::lay_over(&mut headers, &self.headers);
        Ok(SentRequest {
            method,
            url,
            headers,
            body: self.body.clone(),
        })
    }

    fn add_cookies(&self, url: &Url, headers: &mut HeaderMap) {
        let role = self.client.role.as_deref().unwrap_or_default();
        let line = self.client.live.cookies().header(role, url.path());
        if let Some(value) = line.and_then(|line| HeaderValue::from_bytes(line.as_bytes()).ok()) {
            headers.insert(COOKIE, value);
        }
    }

    fn typed(mut self, content_type: &str, body: Bytes) -> Self {
        self.body = body;
        // A `Content-Type` that was set before is meant.
        let put = if self.headers.contains_key(CONTENT_TYPE) {
            Ok(())
        } else {
            headers::put(&mut self.headers, CONTENT_TYPE.as_str(), content_type)
        };
        self.note(put)
    }

    fn note(mut self, put: Result<(), String>) -> Self {
        if let Err(why) = put {
            self.wrong.get_or_insert(why);
        }
        self
    }
}

impl fmt::Debug for Request {
    // Without values of headers and the body: they hold credentials.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&HeaderName> = self.headers.keys().collect();
        f.debug_struct("Request")
            .field("method", &self.method)
            .field("path", &self.client.settings.redaction.in_url(&self.path))
            .field("headers", &names)
            .field("body", &format_args!("{} bytes", self.body.len()))
            .finish_non_exhaustive()
    }
}
