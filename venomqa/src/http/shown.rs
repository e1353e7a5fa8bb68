use reqwest::header::HeaderMap;
use serde::{Deserialize, Serialize};

use super::exchange::{Answer, Exchanged};
use super::redact::Secrets;

/// An [`Exchange`](super::Exchange) as reports show it: text, without secrets.
///
/// Bodies that are no text are told by their size (`512 bytes of binary`), long ones are cut.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShownExchange {
    /// The name of the API.
    pub api: String,
    /// The role that sent the request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
    /// What was sent.
    pub request: ShownRequest,
    /// What was answered. With a `failure` beside it, the body is missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub response: Option<ShownResponse>,
    /// Why there is no whole response.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<String>,
    /// Microseconds from sending the request to the end of the body.
    pub elapsed_micros: u64,
}

/// The request of a [`ShownExchange`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShownRequest {
    /// The method.
    pub method: String,
    /// The whole URL.
    pub url: String,
    /// Names and values, in the order sent.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub headers: Vec<(String, String)>,
    /// The body.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub body: String,
}

/// The response of a [`ShownExchange`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShownResponse {
    /// The status.
    pub status: u16,
    /// Names and values, in the order received.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub headers: Vec<(String, String)>,
    /// The body.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub body: String,
}

impl ShownExchange {
    pub(super) fn of(whole: &Exchanged) -> Self {
        let secrets = Secrets::of(whole);
        let sent = &whole.sent;
        Self {
            api: whole.settings.name.to_string(),
            role: whole.role.as_deref().map(Into::into),
            request: ShownRequest {
                method: sent.method.to_string(),
                url: secrets.in_url(sent.url.as_str()),
                headers: headers(&secrets, &sent.headers),
                body: secrets.in_body(&sent.headers, &sent.body),
            },
            response: whole
                .answer
                .as_ref()
                .map(|answer| response(&secrets, answer)),
            failure: whole.failure.clone(),
            elapsed_micros: u64::try_from(whole.elapsed.as_micros()).unwrap_or(u64::MAX),
        }
    }

    pub(super) fn answer_body(whole: &Exchanged) -> String {
        match &whole.answer {
            Some(answer) => Secrets::of(whole).in_body(&answer.headers, &answer.body),
            None => String::new(),
        }
    }
}

fn response(secrets: &Secrets<'_>, answer: &Answer) -> ShownResponse {
    ShownResponse {
        status: answer.status.as_u16(),
        headers: headers(secrets, &answer.headers),
        body: secrets.in_body(&answer.headers, &answer.body),
    }
}

fn headers(secrets: &Secrets<'_>, headers: &HeaderMap) -> Vec<(String, String)> {
    headers
        .iter()
        .map(|(name, value)| (name.to_string(), secrets.in_header(name, value)))
        .collect()
}
