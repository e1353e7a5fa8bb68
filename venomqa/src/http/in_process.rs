use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::sync::{Mutex, PoisonError};
use std::task::{Context, Poll};

use bytes::{Buf, Bytes};
use http::Uri;
use http::uri::InvalidUri;
use http_body::{Body, Frame, SizeHint};
use http_body_util::Full;
use reqwest::header::{ACCEPT, CONTENT_LENGTH, HOST, HeaderMap, HeaderName, TRANSFER_ENCODING};
use reqwest::{Method, StatusCode};
use tower_service::Service;

use super::causes::causes;
use super::exchange::SentRequest;
use crate::{BoxFuture, panics};

type BoxError = Box<dyn std::error::Error + Send + Sync>;
type Answered = Result<http::Response<reqwest::Body>, BoxError>;
type Call = dyn Fn(http::Request<Full<Bytes>>) -> BoxFuture<'static, Answered> + Send;

/// An API in this process, which takes requests as it would from a socket.
pub(super) struct InProcess {
    // A service need not be shareable between threads. It is cloned under the lock, and called without.
    call: Mutex<Box<Call>>,
}

impl InProcess {
    pub(super) fn new<S, B>(service: S) -> Self
    where
        S: Service<http::Request<Full<Bytes>>, Response = http::Response<B>>
            + Clone
            + Send
            + 'static,
        S::Error: Into<BoxError>,
        S::Future: Send,
        B: Body + Send + 'static,
        B::Error: Into<BoxError>,
    {
        let call = move |request| -> BoxFuture<'static, Answered> {
            let mut service = service.clone();
            Box::pin(async move {
                poll_fn(|cx| service.poll_ready(cx))
                    .await
                    .map_err(Into::into)?;
                let response = service.call(request).await.map_err(Into::into)?;
                Ok(response.map(|body| reqwest::Body::wrap(Rest(Mutex::new(Box::pin(body))))))
            })
        };
        Self {
            call: Mutex::new(Box::new(call)),
        }
    }

    /// The answer up to its body, which arrives while it is read; or why there is none.
    pub(super) async fn answer(&self, sent: &SentRequest) -> Result<reqwest::Response, String> {
        let answering = {
            let call = self.call.lock().unwrap_or_else(PoisonError::into_inner);
            call(received(sent)?)
        };
        // Not on a task of its own: handing over to another thread and back costs as much as a socket does.
        let response = match panics::catch(answering).await {
            Ok(Ok(response)) => response,
            Ok(Err(error)) => return Err(causes(&*error)),
            Err(panicked) => return Err(panicked.to_string()),
        };
        Ok(delivered(response, &sent.method))
    }
}

/// The request as a server reads it from a connection.
fn received(sent: &SentRequest) -> Result<http::Request<Full<Bytes>>, String> {
    let url: Uri = sent
        .url
        .as_str()
        .parse()
        .map_err(|error: InvalidUri| error.to_string())?;
    let mut request = http::Request::new(Full::new(sent.body.clone()));
    *request.method_mut() = sent.method.clone();
    *request.uri_mut() = url
        .path_and_query()
        .cloned()
        .map_or(Uri::default(), Uri::from);
    let headers = request.headers_mut();
    *headers = sent.headers_to_send();
    add(headers, HOST, sent.url.host_str().unwrap_or_default());
    add(headers, ACCEPT, "*/*");
    if !sent.body.is_empty() {
        add(headers, CONTENT_LENGTH, &sent.body.len().to_string());
    }
    Ok(request)
}

/// The response as a client reads it from a connection.
fn delivered(response: http::Response<reqwest::Body>, method: &Method) -> reqwest::Response {
    let (mut head, mut body) = response.into_parts();
    if method == Method::HEAD || head.status == StatusCode::NOT_MODIFIED {
        // The headers tell of a body that another request would be sent.
        body = reqwest::Body::default();
    } else if head.status == StatusCode::NO_CONTENT {
        head.headers.remove(CONTENT_LENGTH);
        body = reqwest::Body::default();
    } else if let Some(length) = body.size_hint().exact()
        && !head.headers.contains_key(TRANSFER_ENCODING)
    {
        add(&mut head.headers, CONTENT_LENGTH, &length.to_string());
    }
    http::Response::from_parts(head, body).into()
}

/// Adds a header, unless there is one of that name.
fn add(headers: &mut HeaderMap, name: HeaderName, value: &str) {
    if let (false, Ok(value)) = (headers.contains_key(&name), value.parse()) {
        headers.insert(name, value);
    }
}

/// A body that is read by one thread at a time, whichever that is: the lock is never waited for.
struct Rest<B>(Mutex<Pin<Box<B>>>);

impl<B> Body for Rest<B>
where
    B: Body,
    B::Error: Into<BoxError>,
{
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let body = self.0.get_mut().unwrap_or_else(PoisonError::into_inner);
        let next = pin!(panics::catch(poll_fn(|cx| body.as_mut().poll_frame(cx))));
        next.poll(cx).map(|next| match next {
            Ok(Some(Ok(frame))) => Some(Ok(
                frame.map_data(|mut data| data.copy_to_bytes(data.remaining()))
            )),
            Ok(Some(Err(error))) => Some(Err(error.into())),
            Ok(None) => None,
            Err(panicked) => Some(Err(panicked.to_string().into())),
        })
    }

    fn size_hint(&self) -> SizeHint {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .size_hint()
    }
}
