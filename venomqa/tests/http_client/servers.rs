use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::SeqCst};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use axum::body::Bytes;
use axum::extract::{Form, Json, Multipart, Path, Query, Request};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Redirect};
use axum::routing::{any, get, post};
use axum::{Router, body};
use serde_json::{Value, json};
use venomqa::HttpClient;

type Fields = BTreeMap<String, String>;

/// A client of an API that tells what arrived.
pub(crate) async fn api() -> HttpClient {
    served(router()).await
}

/// A client that reaches this API through a socket.
pub(crate) async fn served(router: Router) -> HttpClient {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    tokio::spawn(axum::serve(listener, router).into_future());
    HttpClient::new(&url).expect("a URL")
}

/// An API that tells what arrived.
pub(crate) fn router() -> Router {
    Router::new()
        .route("/echo", any(echo))
        .route("/echo/{*rest}", any(echo))
        .route(
            "/typed/json",
            post(|Json(value): Json<Value>| async { Json(value) }),
        )
        .route(
            "/typed/form",
            post(|Form(fields): Form<Fields>| async { Json(fields) }),
        )
        .route(
            "/typed/query",
            get(|Query(fields): Query<Fields>| async { Json(fields) }),
        )
        .route("/typed/multipart", post(parts))
        .route("/cookie/set", post(set_cookies))
        .route(
            "/cookie/drop",
            post(|| async { [("set-cookie", "sid=; Path=/; Max-Age=0")] }),
        )
        .route(
            "/redirect",
            get(|| async {
                (
                    StatusCode::FOUND,
                    Redirect::to("http://evil.example/")
                        .into_response()
                        .headers()
                        .clone(),
                )
            }),
        )
        .route(
            "/text",
            get(|| async { (StatusCode::SERVICE_UNAVAILABLE, "<h1>busy</h1>") }),
        )
        .route(
            "/bytes/{n}",
            get(|Path(n): Path<usize>| async move { "x".repeat(n) }),
        )
}

async fn echo(request: Request) -> Json<Value> {
    let (head, content) = request.into_parts();
    let content: Bytes = body::to_bytes(content, usize::MAX).await.expect("a body");
    let headers: BTreeMap<_, _> = text(&head.headers);
    Json(json!({
        "method": head.method.as_str(),
        "uri": head.uri.to_string(),
        "headers": headers,
        "body": String::from_utf8_lossy(&content),
    }))
}

fn text(headers: &HeaderMap) -> BTreeMap<String, String> {
    let pairs = headers.iter();
    pairs
        .map(|(name, value)| {
            (
                name.to_string(),
                String::from_utf8_lossy(value.as_bytes()).into_owned(),
            )
        })
        .collect()
}

async fn parts(mut parts: Multipart) -> Json<Value> {
    let mut seen = Vec::new();
    while let Some(part) = parts.next_field().await.expect("a part") {
        let head = (
            part.name().map(String::from),
            part.file_name().map(String::from),
            part.content_type().map(String::from),
        );
        seen.push(json!([
            head.0,
            head.1,
            head.2,
            part.bytes().await.expect("bytes").to_vec()
        ]));
    }
    Json(seen.into())
}

/// Sets each field as a cookie, with a date that is another one each time.
async fn set_cookies(Query(fields): Query<Fields>) -> impl IntoResponse {
    let now = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .expect("a time");
    let mut headers = HeaderMap::new();
    for (name, value) in fields {
        let line = format!(
            "{name}={value}; Path=/; HttpOnly; Max-Age={}",
            now.as_nanos()
        );
        headers.append("set-cookie", line.parse().expect("a header"));
    }
    headers
}

/// What a raw server does with a request.
#[derive(Clone, Copy)]
pub(crate) enum Raw {
    /// Reads on and never answers.
    Silence,
    /// Sends this, and keeps the connection open or not.
    Send(&'static str, bool),
}

/// A server that speaks TCP only, for answers that no HTTP server gives. It has threads of its own, so that it goes on while a test
/// blocks the client's runtime.
pub(crate) struct RawServer {
    url: String,
    counts: Arc<Counts>,
}

#[derive(Default)]
struct Counts {
    connections: AtomicU32,
    requests: AtomicU32,
    closed: AtomicU32,
}

/// A raw server that does this with the n-th request of a connection.
pub(crate) fn raw(behave: fn(u32) -> Raw) -> RawServer {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let counts = Arc::new(Counts::default());
    let shared = Arc::clone(&counts);
    thread::spawn(move || {
        while let Ok((stream, _)) = listener.accept() {
            shared.connections.fetch_add(1, SeqCst);
            let counts = Arc::clone(&shared);
            thread::spawn(move || {
                serve(stream, behave, &counts);
                counts.closed.fetch_add(1, SeqCst);
            });
        }
    });
    RawServer { url, counts }
}

/// Takes whatever arrives in one go for one request: the tests send small ones, one at a time.
fn serve(mut stream: TcpStream, behave: fn(u32) -> Raw, counts: &Counts) {
    let mut buffer = [0; 4096];
    let mut n = 0;
    while stream.read(&mut buffer).is_ok_and(|length| length > 0) {
        counts.requests.fetch_add(1, SeqCst);
        if let Raw::Send(answer, open) = behave(n)
            && (stream.write_all(answer.as_bytes()).is_err() || !open)
        {
            return;
        }
        n += 1;
    }
}

impl RawServer {
    pub(crate) fn client(&self) -> HttpClient {
        HttpClient::new(&self.url).expect("a URL")
    }

    pub(crate) fn requests(&self) -> u32 {
        self.counts.requests.load(SeqCst)
    }

    pub(crate) fn connections(&self) -> u32 {
        self.counts.connections.load(SeqCst)
    }

    /// Blocks this thread until the server has closed this many connections.
    pub(crate) fn wait_closed(&self, connections: u32) {
        let deadline = Instant::now() + Duration::from_secs(10);
        while self.counts.closed.load(SeqCst) < connections {
            assert!(Instant::now() < deadline, "not closed");
            thread::yield_now();
        }
    }
}
