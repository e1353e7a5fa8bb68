use std::error::Error as _;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use reqwest::header::SET_COOKIE;

use super::causes::causes;
use super::exchange::{Answer, Exchanged, SentRequest};
use super::{Exchange, HttpClient, Response, stale};
use crate::{Error, Result};

/// Puts a request on the wire and reads the whole answer. Whatever comes of it is recorded, also when the caller loses interest.
pub(super) async fn send(
    client: &HttpClient,
    sent: SentRequest,
    limit: Duration,
) -> Result<Response> {
    let mut flight = Flight::start(client, sent);
    let Flight {
        sent: Some(sent),
        answer,
        ..
    } = &mut flight
    else {
        unreachable!("only `land` and `drop` take the request");
    };
    let work = receive(client, sent, answer);
    let trouble = match tokio::time::timeout(limit, work).await {
        Ok(Ok(())) => None,
        Ok(Err(trouble)) => Some(trouble),
        Err(_) => Some(Trouble::Timeout(limit)),
    };
    let exchange = flight.land(trouble.as_ref());
    match trouble {
        None => Ok(Response::new(exchange)),
        Some(trouble) => Err(trouble.into_error(&exchange)),
    }
}

async fn receive(
    client: &HttpClient,
    sent: &SentRequest,
    answer: &mut Option<Answer>,
) -> Result<(), Trouble> {
    let from_origin = client.live.address().is_origin_of(&sent.url);
    let mut response = execute(client, sent).await?;
    if from_origin {
        let role = client.role.as_deref().unwrap_or_default();
        for line in response.headers().get_all(SET_COOKIE) {
            if let Ok(line) = std::str::from_utf8(line.as_bytes()) {
                let address = client.live.address();
                client
                    .live
                    .cookies()
                    .store(role, &address, sent.url.path(), line);
            }
        }
    }
    let answer = answer.insert(Answer {
        status: response.status(),
        headers: std::mem::take(response.headers_mut()),
        body: Bytes::new(),
    });

    let limit = client.settings.body_limit;
    let mut more = BytesMut::new();
    while let Some(chunk) = response.chunk().await? {
        if answer.body.len() + more.len() + chunk.len() > limit {
            return Err(Trouble::TooLarge(limit));
        }
        // Most bodies are one chunk, which is not copied.
        if answer.body.is_empty() {
            answer.body = chunk;
        } else {
            more.extend_from_slice(&chunk);
        }
    }
    if !more.is_empty() {
        let mut whole = BytesMut::from(&answer.body[..]);
        whole.unsplit(more);
        answer.body = whole.freeze();
    }
    Ok(())
}

/// The answer up to its body, from the API in this process or through a connection.
async fn execute(client: &HttpClient, sent: &SentRequest) -> Result<reqwest::Response, Trouble> {
    #[cfg(feature = "tower")]
    if let Some(service) = client.live.service_at(&sent.url) {
        return service.answer(sent).await.map_err(Trouble::Transport);
    }
    if client.live.idle() > stale::WORTH_A_LOOK {
        stale::notice_closed_connections().await;
    }
    Ok(client.live.connections().execute(sent.to_reqwest()).await?)
}

/// A request that is under way. Dropped before it lands, it is recorded as given up.
struct Flight<'a> {
    client: &'a HttpClient,
    sent: Option<SentRequest>,
    answer: Option<Answer>,
    started: Instant,
}

impl<'a> Flight<'a> {
    fn start(client: &'a HttpClient, sent: SentRequest) -> Self {
        client.live.count_request();
        Self {
            client,
            sent: Some(sent),
            answer: None,
            started: Instant::now(),
        }
    }

    fn land(mut self, trouble: Option<&Trouble>) -> Exchange {
        let lost = trouble.is_some_and(|trouble| !matches!(trouble, Trouble::TooLarge(_)));
        self.record(trouble.map(Trouble::to_string), lost)
            .expect("only `land` and `drop` take the request")
    }

    fn record(&mut self, failure: Option<String>, lost: bool) -> Option<Exchange> {
        let exchange = Exchange::new(Exchanged {
            settings: Arc::clone(&self.client.settings),
            role: self.client.role.clone(),
            sent: self.sent.take()?,
            answer: self.answer.take(),
            failure,
            lost,
            started: self.started,
            elapsed: self.started.elapsed(),
        });
        self.client.live.record(exchange.clone());
        Some(exchange)
    }
}

impl Drop for Flight<'_> {
    fn drop(&mut self) {
        self.record(Some("given up before the answer was whole".into()), false);
    }
}

/// Why there is no whole answer.
#[derive(Debug, thiserror::Error)]
enum Trouble {
    #[error("no answer within {0:?}")]
    Timeout(Duration),
    #[error("{0}")]
    Transport(String),
    #[error("the body is larger than {0} bytes")]
    TooLarge(usize),
}

impl Trouble {
    fn into_error(self, exchange: &Exchange) -> Error {
        let (method, url) = (exchange.method().to_owned(), exchange.url());
        match self {
            Self::Timeout(limit) => Error::Timeout { method, url, limit },
            Self::Transport(cause) => Error::Transport { method, url, cause },
            Self::TooLarge(_) => Error::Body {
                method,
                url,
                status: exchange.status().unwrap_or_default(),
                why: format!("{self}; raise the limit with `HttpClient::body_limit`"),
            },
        }
    }
}

impl From<reqwest::Error> for Trouble {
    /// Without the outermost, which only repeats the URL, with the secrets in it.
    fn from(error: reqwest::Error) -> Self {
        Self::Transport(match error.source() {
            Some(cause) => causes(cause),
            None => error.without_url().to_string(),
        })
    }
}
