use std::cell::Cell;
use std::convert::Infallible;
use std::future::{Ready, ready};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::http::{Response, StatusCode};
use axum::routing::{get, post};
use http_body_util::Full;
use tower::{Service, ServiceExt, service_fn};
use venomqa::{Error, HttpClient, Multipart, ShownExchange, json};

use crate::servers::{router, served};

/// What both transports are asked.
fn requests(api: &HttpClient) -> Vec<venomqa::Request> {
    let alice = api.role("alice");
    let parts = Multipart::new()
        .text("a", "ü")
        .file("b", "c", "d/e", &b"\0\xff"[..]);
    vec![
        api.get("/echo/a%20b?c=d&e"),
        api.get(""),
        api.post("/echo"),
        api.put("/echo").body("raw").bearer("token"),
        api.delete("/echo"),
        api.request("PURGE", "/echo"),
        api.head("/echo"),
        api.head("/empty"),
        api.post("/typed/json").json(&json!({"a": [1, "ü"]})),
        api.post("/typed/json").body("no JSON"),
        api.post("/typed/form").form(&[("a", "1 & 2")]),
        api.get("/typed/query?z=0").query(&[("a", "1 & 2")]),
        api.post("/echo").multipart(parts),
        alice.post("/login"),
        alice.get("/echo"),
        api.get("/echo"),
        alice.post("/cookie/drop"),
        alice.get("/echo"),
        api.get("/redirect"),
        api.get("/text"),
        api.get("/bytes/100000"),
        api.get("/pieces"),
        api.get("/empty"),
        api.get("/unchanged"),
        api.get("/nowhere"),
        api.put("/text"),
    ]
}

fn more_routes() -> Router {
    router()
        .route(
            "/login",
            post(|| async { [("set-cookie", "sid=1; Path=/")] }),
        )
        .route("/empty", get(|| async { StatusCode::NO_CONTENT }))
        .route(
            "/unchanged",
            get(|| async { (StatusCode::NOT_MODIFIED, "not for you") }),
        )
        .route("/pieces", get(|| async { Body::new(Pieces(3)) }))
}

/// Sends `piece` so many times, in a frame each.
struct Pieces(u32);

impl http_body::Body for Pieces {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<http_body::Frame<Bytes>, Self::Error>>> {
        let Some(left) = self.0.checked_sub(1) else {
            return Poll::Ready(None);
        };
        self.0 = left;
        let frame = http_body::Frame::data(Bytes::from_static(b"piece"));
        Poll::Ready(Some(Ok(frame)))
    }
}

/// What was recorded, without what differs each time or belongs to a connection.
fn told(api: &HttpClient, port: &str) -> Vec<ShownExchange> {
    let exchanges = api.take_exchanges();
    let shown = exchanges.iter().map(|exchange| {
        let mut shown = exchange.shown();
        shown.elapsed_micros = 0;
        shown.request.url = shown.request.url.replace(port, "");
        let response = shown.response.as_mut().expect("an answer");
        response.body = response.body.replace(port, "");
        response
            .headers
            .retain(|(name, _)| !["date", "transfer-encoding"].contains(&&**name));
        for (name, value) in &mut response.headers {
            if name == "content-length" {
                *value = response.body.len().to_string();
            }
        }
        response.headers.sort();
        shown
    });
    shown.collect()
}

#[tokio::test]
async fn the_same_exchanges_as_through_a_socket() {
    let through_a_socket = served(more_routes()).await.base_url();
    let through_a_socket = through_a_socket.replace("127.0.0.1", "localhost");
    let clients = [
        HttpClient::new(&through_a_socket),
        HttpClient::in_process(more_routes()),
    ];
    let mut recorded = Vec::new();
    for api in clients {
        let api = api
            .expect("a client")
            .with_header("X-Tenant", "1")
            .redact("X-Tenant")
            .with_role("alice", |role| role.bearer("alices-token"));
        let port = api.base_url()["http://localhost".len()..].to_owned();
        let mut bodies = Vec::new();
        for request in requests(&api) {
            let answer = request.send().await.expect("an answer");
            assert!(answer.elapsed() > Duration::ZERO);
            bodies.push((answer.status(), answer.text().replace(&port, "")));
        }
        assert_eq!(api.requests_sent(), requests(&api).len() as u64);
        recorded.push((told(&api, &port), bodies));
    }
    let [socket, process] = &recorded[..] else {
        unreachable!("two clients");
    };
    for (socket, process) in socket.0.iter().zip(&process.0) {
        assert_eq!(socket, process);
    }
    assert_eq!(socket.1, process.1);
    let answers = |status, body: &str| process.1.contains(&(status, body.to_owned()));
    // Each kind was really met.
    assert!(answers(204, "") && answers(304, "") && answers(405, ""));
    assert!(answers(200, "piecepiecepiece") && answers(200, &"x".repeat(100_000)));
}

#[tokio::test]
async fn a_handler_that_panics_leaves_its_request_without_an_answer() {
    let router = more_routes()
        .route("/panics", get(async || -> String { panic!("no stock") }))
        .route("/breaks", get(async || Body::new(Breaking)));
    let api = HttpClient::in_process(router).expect("a client");
    let error = api.get("/panics").send().await.expect_err("a panic");
    assert!(
        matches!(&error, Error::Transport { cause, .. } if cause.starts_with("no stock (panicked at ") && cause.contains("in_process.rs:")),
        "{error}"
    );
    let error = api.get("/breaks").send().await.expect_err("half a body");
    assert!(
        matches!(&error, Error::Transport { cause, .. } if cause.contains("no more (panicked at ")),
        "{error}"
    );
    let failure = api.last_failure().expect("a failure");
    assert!(
        failure.contains("GET /breaks -> 200, incomplete"),
        "{failure}"
    );
    assert_eq!(
        api.get("/echo").send().await.expect("on it goes").status(),
        200
    );
}

/// Panics instead of sending anything.
struct Breaking;

impl http_body::Body for Breaking {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<http_body::Frame<Bytes>, Infallible>>> {
        panic!("no more");
    }
}

#[tokio::test]
async fn a_handler_that_never_answers_is_given_up() {
    let at_work = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&at_work);
    let hang = async move || -> String {
        let _work = Work::of(&counted);
        std::future::pending().await
    };
    let router = Router::new().route("/", get(hang));
    let api = HttpClient::in_process(router).expect("a client");
    let limit = Duration::from_millis(30);
    let error = api.get("/").timeout(limit).send().await;
    assert!(
        matches!(&error, Err(Error::Timeout { limit: told, .. }) if *told == limit),
        "{error:?}"
    );
    // As the end of a connection does, giving up ends the handler.
    assert_eq!(at_work.load(SeqCst), 0);
}

/// Counts handlers at work, until they are dropped.
struct Work(Arc<AtomicUsize>);

impl Work {
    fn of(count: &Arc<AtomicUsize>) -> Self {
        count.fetch_add(1, SeqCst);
        Self(Arc::clone(count))
    }
}

impl Drop for Work {
    fn drop(&mut self) {
        self.0.fetch_sub(1, SeqCst);
    }
}

#[tokio::test]
async fn a_body_above_the_limit_is_not_read_to_its_end() {
    let router = Router::new().route("/", get(async || Body::new(Pieces(u32::MAX))));
    let api = HttpClient::in_process(router)
        .expect("a client")
        .body_limit(1000);
    let error = api.get("/").send().await.expect_err("too large");
    assert!(
        matches!(&error, Error::Body { status: 200, why, .. } if why.contains("body_limit")),
        "{error}"
    );
}

#[tokio::test]
async fn what_is_no_url_of_the_api_goes_through_a_connection() {
    let elsewhere = served(router()).await.base_url();
    let api = HttpClient::in_process(Router::new()).expect("a client");
    let url = format!("{elsewhere}/echo");
    let error = api.get(&url).send().await.expect_err("another server");
    assert!(matches!(error, Error::Request { .. }), "{error}");
    let answer = api.allow_remote().get(&url).send().await;
    assert_eq!(answer.expect("an answer").status(), 200);
}

/// Answers only to who has waited until it is ready, which it is on being asked a second time. It cannot be shared between threads.
struct Picky {
    asked: Cell<u32>,
    broken: bool,
}

impl Clone for Picky {
    fn clone(&self) -> Self {
        Self {
            asked: Cell::new(0),
            broken: self.broken,
        }
    }
}

impl<B> Service<axum::http::Request<B>> for Picky {
    type Response = Response<String>;
    type Error = std::io::Error;
    type Future = Ready<Result<Response<String>, std::io::Error>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), std::io::Error>> {
        self.asked.set(self.asked.get() + 1);
        match self.asked.get() {
            1 => {
                cx.waker().wake_by_ref();
                Poll::Pending
            }
            _ if self.broken => Poll::Ready(Err(std::io::Error::other("out of order"))),
            _ => Poll::Ready(Ok(())),
        }
    }

    fn call(&mut self, _: axum::http::Request<B>) -> Self::Future {
        assert!(self.asked.get() > 1, "called before it was ready");
        ready(Ok(Response::new("at your service".to_owned())))
    }
}

#[tokio::test]
async fn any_service_will_do_and_is_asked_whether_it_is_ready() {
    let picky = |broken| {
        let asked = Cell::new(0);
        HttpClient::in_process(Picky { asked, broken }).expect("a client")
    };
    let answer = picky(false).get("/").send().await.expect("an answer");
    assert_eq!(answer.text(), "at your service");
    assert_eq!(answer.header("content-length"), Some("15"));
    let error = picky(true).get("/").send().await.expect_err("no answer");
    assert!(
        matches!(&error, Error::Transport { cause, .. } if cause == "out of order"),
        "{error}"
    );
}

#[tokio::test]
async fn a_service_takes_the_body_that_it_insists_on() {
    let only_axums = service_fn(async |request: Request<Body>| {
        let body = axum::body::to_bytes(request.into_body(), 100).await;
        Ok::<_, Infallible>(Response::new(Full::new(body.unwrap_or_default())))
    });
    let service = only_axums.map_request(|request: Request<Full<Bytes>>| request.map(Body::new));
    let api = HttpClient::in_process(service).expect("a client");
    let answer = api.post("/").body("as sent").send().await;
    assert_eq!(answer.expect("an answer").text(), "as sent");
}
