use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use reqwest::header::{CONTENT_LENGTH, HeaderMap, HeaderValue};
use reqwest::{Method, StatusCode, Url};
use serde::{Deserialize, Serialize};

use super::ShownExchange;
use super::settings::Settings;

/// One request, and what came of it.
///
/// Recording one costs next to nothing: it keeps what went over the wire. Text is made of it, and secrets are taken out of it, when it is
/// [shown](Exchange::shown), displayed or serialised; nothing that this type tells holds a secret. What is read back from a report
/// stays as it was shown.
///
/// Displays as `POST /orders -> 201`.
#[derive(Clone, Serialize, Deserialize)]
#[serde(into = "ShownExchange", from = "ShownExchange")]
pub struct Exchange {
    form: Form,
}

#[derive(Clone)]
enum Form {
    /// As it happened in this process.
    Whole(Arc<Exchanged>),
    /// As it was read back.
    Shown(Arc<ShownExchange>),
}

pub(super) struct Exchanged {
    pub(super) settings: Arc<Settings>,
    pub(super) role: Option<Arc<str>>,
    pub(super) sent: SentRequest,
    pub(super) answer: Option<Answer>,
    pub(super) failure: Option<String>,
    /// Whether the failure is one of the API or the connection: nobody knows what the API has done.
    pub(super) lost: bool,
    pub(super) started: Instant,
    pub(super) elapsed: Duration,
}

/// A request as it was sent, with its secrets.
#[derive(Clone)]
pub struct SentRequest {
    pub(super) method: Method,
    pub(super) url: Url,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

impl Exchange {
    pub(super) fn new(exchanged: Exchanged) -> Self {
        Self {
            form: Form::Whole(Arc::new(exchanged)),
        }
    }

    /// The name of the API.
    pub fn api(&self) -> &str {
        match &self.form {
            Form::Whole(whole) => &whole.settings.name,
            Form::Shown(shown) => &shown.api,
        }
    }

    /// The role that sent it.
    pub fn role(&self) -> Option<&str> {
        match &self.form {
            Form::Whole(whole) => whole.role.as_deref(),
            Form::Shown(shown) => shown.role.as_deref(),
        }
    }

    /// The method.
    pub fn method(&self) -> &str {
        match &self.form {
            Form::Whole(whole) => whole.sent.method.as_str(),
            Form::Shown(shown) => &shown.request.method,
        }
    }

    /// The whole URL.
    pub fn url(&self) -> String {
        match &self.form {
            Form::Whole(whole) => whole.settings.redaction.in_url(whole.sent.url.as_str()),
            Form::Shown(shown) => shown.request.url.clone(),
        }
    }

    /// The status of the response, if there was one. A response whose body was lost has one too.
    pub fn status(&self) -> Option<u16> {
        match &self.form {
            Form::Whole(whole) => Some(whole.answer.as_ref()?.status.as_u16()),
            Form::Shown(shown) => Some(shown.response.as_ref()?.status),
        }
    }

    /// Why there is no whole response.
    pub fn failure(&self) -> Option<&str> {
        match &self.form {
            Form::Whole(whole) => whole.failure.as_deref(),
            Form::Shown(shown) => shown.failure.as_deref(),
        }
    }

    /// Whether the answer was lost: no connection, a broken one, or no answer in time.
    pub(crate) fn is_lost(&self) -> bool {
        match &self.form {
            Form::Whole(whole) => whole.lost,
            Form::Shown(_) => false,
        }
    }

    /// The time from sending the request to the end of the body.
    pub fn elapsed(&self) -> Duration {
        match &self.form {
            Form::Whole(whole) => whole.elapsed,
            Form::Shown(shown) => Duration::from_micros(shown.elapsed_micros),
        }
    }

    /// When it was sent, if that was in this process.
    pub(crate) fn started(&self) -> Option<Instant> {
        match &self.form {
            Form::Whole(whole) => Some(whole.started),
            Form::Shown(_) => None,
        }
    }

    /// The size of both bodies, in bytes.
    pub(crate) fn body_bytes(&self) -> usize {
        match &self.form {
            Form::Whole(whole) => {
                let answered = whole.answer.as_ref().map_or(0, |answer| answer.body.len());
                whole.sent.body.len() + answered
            }
            Form::Shown(shown) => {
                let answered = shown
                    .response
                    .as_ref()
                    .map_or(0, |response| response.body.len());
                shown.request.body.len() + answered
            }
        }
    }

    /// All of it as text, without secrets.
    pub fn shown(&self) -> ShownExchange {
        match &self.form {
            Form::Whole(whole) => ShownExchange::of(whole),
            Form::Shown(shown) => ShownExchange::clone(shown),
        }
    }

    pub(super) fn shown_answer_body(&self) -> String {
        match &self.form {
            Form::Whole(whole) => ShownExchange::answer_body(whole),
            Form::Shown(shown) => shown
                .response
                .as_ref()
                .map_or_else(String::new, |r| r.body.clone()),
        }
    }

    /// # Panics
    ///
    /// It was read back from a report. A [`Response`](super::Response) never holds one of those.
    pub(super) fn sent(&self) -> &SentRequest {
        match &self.form {
            Form::Whole(whole) => &whole.sent,
            Form::Shown(_) => unreachable!("a response comes from this process"),
        }
    }

    /// # Panics
    ///
    /// There is none. A [`Response`](super::Response) is made of exchanges with an answer.
    pub(super) fn answer(&self) -> &Answer {
        let answer = match &self.form {
            Form::Whole(whole) => whole.answer.as_ref(),
            Form::Shown(_) => None,
        };
        answer.expect("a response is made of an exchange with an answer")
    }
}

impl From<Exchange> for ShownExchange {
    fn from(exchange: Exchange) -> Self {
        exchange.shown()
    }
}

impl From<ShownExchange> for Exchange {
    fn from(shown: ShownExchange) -> Self {
        Self {
            form: Form::Shown(Arc::new(shown)),
        }
    }
}

impl PartialEq for Exchange {
    fn eq(&self, other: &Self) -> bool {
        self.shown() == other.shown()
    }
}

impl fmt::Display for Exchange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let url = self.url();
        // What follows the host: `scheme://host/path`.
        let path = url.splitn(4, '/').nth(3).unwrap_or_default();
        write!(f, "{} /{path} -> ", self.method())?;
        match (self.status(), self.failure()) {
            (Some(status), None) => write!(f, "{status}"),
            (Some(status), Some(_)) => write!(f, "{status}, incomplete"),
            (None, _) => f.write_str("no answer"),
        }
    }
}

impl fmt::Debug for Exchange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.shown().fmt(f)
    }
}

impl SentRequest {
    /// The method.
    pub fn method(&self) -> &str {
        self.method.as_str()
    }

    /// The whole URL.
    pub fn url(&self) -> &str {
        self.url.as_str()
    }

    /// All headers that we set. The connection adds `Host`, `Content-Length` and `Accept: */*`.
    pub fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// The body.
    pub fn body(&self) -> &Bytes {
        &self.body
    }

    pub(super) fn to_reqwest(&self) -> reqwest::Request {
        let mut request = reqwest::Request::new(self.method.clone(), self.url.clone());
        *request.headers_mut() = self.headers_to_send();
        if !self.body.is_empty() {
            *request.body_mut() = Some(self.body.clone().into());
        }
        request
    }

    /// The headers, with the one that a connection does not add by itself.
    pub(super) fn headers_to_send(&self) -> HeaderMap {
        let mut headers = self.headers.clone();
        let usual = [Method::POST, Method::PUT, Method::PATCH].contains(&self.method);
        if usual && self.body.is_empty() {
            // Some servers insist on a length where a body is usual, and it is not told for no body.
            headers.insert(CONTENT_LENGTH, HeaderValue::from_static("0"));
        }
        headers
    }
}

impl fmt::Debug for SentRequest {
    // Without its parts: they hold credentials.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.method, self.url.path())
    }
}
