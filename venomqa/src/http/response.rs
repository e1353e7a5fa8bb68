use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use reqwest::header::HeaderMap;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::Exchange;
use super::exchange::SentRequest;
use crate::{Error, Result};

/// Characters of a body that an error shows.
const SHOWN: usize = 200;

/// A whole response of the API. Any status is one.
#[derive(Clone)]
pub struct Response {
    // Holds an answer. Shared with the record of the client, so that keeping it there costs nothing.
    exchange: Exchange,
}

impl Response {
    pub(super) fn new(exchange: Exchange) -> Self {
        Self { exchange }
    }

    /// The status.
    pub fn status(&self) -> u16 {
        self.exchange.status().unwrap_or_default()
    }

    /// Whether the status is 2xx.
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status())
    }

    /// The first header of this name, if it is text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers().get(name)?.to_str().ok()
    }

    /// All headers.
    pub fn headers(&self) -> &HeaderMap {
        &self.exchange.answer().headers
    }

    /// The body as text; what is not UTF-8 is replaced by `U+FFFD`.
    pub fn text(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(self.bytes())
    }

    /// The body.
    pub fn bytes(&self) -> &Bytes {
        &self.exchange.answer().body
    }

    /// The body as JSON.
    ///
    /// # Errors
    ///
    /// [`Error::Body`]: the body is no JSON. The error tells the status and how the body begins.
    pub fn json(&self) -> Result<Value> {
        self.json_as()
    }

    /// The body as a value of this type, from JSON.
    ///
    /// # Errors
    ///
    /// [`Error::Body`]: the body is no JSON or does not fit. The error tells the status and how the body begins.
    pub fn json_as<T: DeserializeOwned>(&self) -> Result<T> {
        serde_json::from_slice(self.bytes()).map_err(|error| Error::Body {
            method: self.exchange.method().into(),
            url: self.exchange.url(),
            status: self.status(),
            why: format!("{}: {error}; {}", unfit::<T>(&error), self.beginning()),
        })
    }

    /// The time from sending the request to the end of the body.
    pub fn elapsed(&self) -> Duration {
        self.exchange.elapsed()
    }

    /// The request as it was sent.
    pub fn request(&self) -> &SentRequest {
        self.exchange.sent()
    }

    /// Request and response as reports show them, without secrets.
    pub fn exchange(&self) -> &Exchange {
        &self.exchange
    }

    fn beginning(&self) -> String {
        if self.bytes().is_empty() {
            return "the body is empty".into();
        }
        let shown = self.exchange.shown_answer_body();
        let (verb, end) = match shown.char_indices().nth(SHOWN) {
            Some((end, _)) => ("begins with", end),
            None => ("is", shown.len()),
        };
        format!("the body {verb} `{}`", tame(&shown[..end]))
    }
}

/// Without what a terminal would obey.
fn tame(text: &str) -> String {
    let mut tame = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_control() && c != '\n' {
            tame.extend(c.escape_default());
        } else {
            tame.push(c);
        }
    }
    tame
}

fn unfit<T>(error: &serde_json::Error) -> String {
    if error.is_data() {
        format!("the JSON is no `{}`", std::any::type_name::<T>())
    } else {
        "the body is no JSON".into()
    }
}

impl fmt::Debug for Response {
    // Through the exchange: a response in a panic message or a report shows no secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.exchange, self.beginning())
    }
}
