//! The client against real servers on real sockets.

#[path = "http_client/servers.rs"]
mod servers;

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Deserialize;
use servers::{Raw, api, raw};
use venomqa::{Error, Exchange, HttpClient, Multipart, Request, Result, json};

#[derive(Debug, Deserialize, PartialEq)]
struct Echo {
    method: String,
    uri: String,
    headers: BTreeMap<String, String>,
    body: String,
}

async fn echo(request: Request) -> Echo {
    let answer = request.send().await.expect("an answer");
    answer.json_as().expect("an echo")
}

fn assert_send_sync<T: Send + Sync + 'static>(_: &T) {}

#[tokio::test]
async fn json_and_form_and_query_arrive() {
    let api = api().await;
    let answer = api
        .post("/typed/json")
        .json(&json!({"a": 1, "b": "ü"}))
        .send()
        .await
        .expect("an answer");
    assert_eq!(answer.json().expect("JSON"), json!({"a": 1, "b": "ü"}));
    assert!(answer.is_success() && answer.elapsed() > Duration::ZERO);

    let fields = [("a", "1 & 2"), ("b", "ü")];
    let answer = api
        .post("/typed/form")
        .form(&fields)
        .send()
        .await
        .expect("an answer");
    assert_eq!(
        answer.json().expect("JSON"),
        json!({"a": "1 & 2", "b": "ü"})
    );

    let request = api
        .get("/typed/query?z=0")
        .query(&fields)
        .query(&[("c", 3)]);
    let answer = request.send().await.expect("an answer");
    let expected = json!({"z": "0", "a": "1 & 2", "b": "ü", "c": "3"});
    assert_eq!(answer.json().expect("JSON"), expected);
}

#[tokio::test]
async fn fields_and_files_arrive() {
    let parts = Multipart::new().text("title", "a \"quoted\" ü").file(
        "doc",
        "a.bin",
        "application/pdf",
        &b"\r\n--x\0\xff\r\n"[..],
    );
    let answer = api()
        .await
        .post("/typed/multipart")
        .multipart(parts)
        .send()
        .await;
    assert_eq!(
        answer.expect("an answer").json().expect("JSON"),
        json!([
            ["title", null, null, b"a \"quoted\" \xc3\xbc"],
            ["doc", "a.bin", "application/pdf", b"\r\n--x\0\xff\r\n"],
        ])
    );
}

#[tokio::test]
async fn methods_headers_and_bytes_arrive() {
    let api = api()
        .await
        .with_header("X-Tenant", "1")
        .with_header("X-Mode", "a");
    let request = api
        .put("/echo/x")
        .header("x-mode", "b")
        .bearer("t")
        .body("raw");
    assert_send_sync(&request);
    let seen = echo(request).await;
    assert_eq!(
        (&*seen.method, &*seen.uri, &*seen.body),
        ("PUT", "/echo/x", "raw")
    );
    assert_eq!(seen.headers["x-tenant"], "1");
    assert_eq!(seen.headers["x-mode"], "b");
    assert_eq!(seen.headers["authorization"], "Bearer t");
    assert!(!seen.headers.contains_key("content-type"));

    let seen = echo(
        api.post("/echo")
            .basic("user", "p:w")
            .header("Content-Type", "application/x+json")
            .json(&1),
    )
    .await;
    assert_eq!(seen.headers["authorization"], "Basic dXNlcjpwOnc=");
    assert_eq!(seen.headers["content-type"], "application/x+json");
    for (request, method) in [
        (api.get("/echo"), "GET"),
        (api.patch("/echo"), "PATCH"),
        (api.delete("/echo"), "DELETE"),
        (api.request("OPTIONS", "/echo"), "OPTIONS"),
        (api.request("PURGE", "/echo"), "PURGE"),
    ] {
        assert_eq!(echo(request).await.method, method);
    }
    let head = api.head("/echo").send().await.expect("an answer");
    assert_eq!((head.status(), head.bytes().len()), (200, 0));
}

#[tokio::test]
async fn a_post_without_a_body_says_its_length() {
    let seen = echo(api().await.post("/echo")).await;
    assert_eq!(seen.headers["content-length"], "0");
}

#[tokio::test]
async fn a_base_url_may_have_a_path() {
    let root = api().await;
    let api = HttpClient::new(&format!("{}/echo/v1/", root.base_url())).expect("a URL");
    assert_eq!(
        echo(api.get("/orders?a=b")).await.uri,
        "/echo/v1/orders?a=b"
    );
    let whole = format!("{}/echo/whole", root.base_url());
    assert_eq!(echo(api.get(&whole)).await.uri, "/echo/whole");
}

#[tokio::test]
async fn what_is_no_json_tells_the_status_and_the_beginning() {
    let answer = api().await.get("/text").send().await.expect("an answer");
    let error = answer.json().expect_err("no JSON").to_string();
    assert!(
        error.contains("/text answered 503") && error.contains("`<h1>busy</h1>`"),
        "{error}"
    );
    let answer = api()
        .await
        .post("/typed/json")
        .json(&json!({"password": "hunter2"}))
        .send()
        .await;
    let error = answer
        .expect("an answer")
        .json_as::<Vec<i32>>()
        .expect_err("no list")
        .to_string();
    assert!(
        error.contains("[redacted]") && !error.contains("hunter2"),
        "{error}"
    );
}

#[tokio::test]
async fn cookies_belong_to_a_role_and_roll_back() {
    let api = api()
        .await
        .with_role("alice", |role| role.bearer("alices-token"))
        .with_role("bob", |role| role);
    let (alice, bob) = (api.role("alice"), api.role("bob"));
    let before = api.cookies();

    alice
        .post("/cookie/set?sid=1")
        .send()
        .await
        .expect("an answer");
    let saved = api.cookies();
    assert_eq!(echo(alice.get("/echo")).await.headers["cookie"], "sid=1");
    assert_eq!(
        echo(alice.get("/echo")).await.headers["authorization"],
        "Bearer alices-token"
    );
    assert!(!echo(bob.get("/echo")).await.headers.contains_key("cookie"));
    assert!(
        !echo(api.get("/echo"))
            .await
            .headers
            .contains_key("authorization")
    );
    assert_eq!(saved.iter().collect::<Vec<_>>(), [("alice", "sid", "1")]);

    alice
        .post("/cookie/set?sid=2")
        .send()
        .await
        .expect("an answer");
    assert_ne!(api.cookies(), saved);
    api.set_cookies(saved.clone());
    assert_eq!(echo(alice.get("/echo")).await.headers["cookie"], "sid=1");

    alice.post("/cookie/drop").send().await.expect("an answer");
    assert_eq!(api.cookies(), before);
    // Set again, later: the same cookies, although the server told another date.
    alice
        .post("/cookie/set?sid=1")
        .send()
        .await
        .expect("an answer");
    assert_eq!(api.cookies(), saved);
}

#[tokio::test]
async fn an_unknown_role_names_the_known_ones() {
    let api = api()
        .await
        .with_role("alice", |role| role)
        .with_role("bob", |role| role);
    let error = api
        .role("alcie")
        .get("/echo")
        .send()
        .await
        .expect_err("no such role");
    assert!(
        matches!(&error, Error::Request { why, .. } if why.contains("`alcie`") && why.contains("alice, bob")),
        "{error}"
    );
    assert_eq!(api.requests_sent(), 0);
}

#[tokio::test]
async fn a_redirect_is_data() {
    let api = api().await;
    let answer = api.get("/redirect").send().await.expect("an answer");
    assert_eq!(answer.status(), 302);
    assert_eq!(answer.header("location"), Some("http://evil.example/"));
    assert_eq!(api.requests_sent(), 1);
}

#[tokio::test]
async fn another_machine_is_refused_before_anything_is_sent() {
    let api = HttpClient::new("http://192.0.2.1:9").expect("a URL");
    let error = api.get("/").send().await.expect_err("remote");
    assert!(
        matches!(&error, Error::Request { why, .. } if why.contains("`.allow_remote()`")),
        "{error}"
    );
    assert_eq!(api.requests_sent(), 0);
    let limit = Duration::from_millis(50);
    let error = api
        .allow_remote()
        .get("/")
        .timeout(limit)
        .send()
        .await
        .expect_err("nobody there");
    assert!(
        matches!(error, Error::Timeout { .. } | Error::Transport { .. }),
        "{error}"
    );
}

#[tokio::test]
async fn credentials_do_not_go_to_another_server() {
    let (home, other) = (api().await, api().await);
    let home = home
        .with_header("X-Api-Key", "k")
        .with_role("alice", |role| role.bearer("t"));
    let elsewhere = format!("{}/echo", other.base_url());
    let error = home
        .get(&elsewhere)
        .send()
        .await
        .expect_err("another server");
    assert!(matches!(error, Error::Request { .. }), "{error}");

    let alice = home.allow_remote().role("alice");
    alice
        .post("/cookie/set?sid=1")
        .send()
        .await
        .expect("an answer");
    let seen = echo(alice.get(&elsewhere)).await;
    for name in ["authorization", "cookie", "x-api-key"] {
        assert!(!seen.headers.contains_key(name), "{name}");
    }
    // Nor does another server set cookies of this one.
    let elsewhere = format!("{}/cookie/set?sid=2", other.base_url());
    alice.post(&elsewhere).send().await.expect("an answer");
    assert_eq!(
        alice.cookies().iter().collect::<Vec<_>>(),
        [("alice", "sid", "1")]
    );
}

#[tokio::test]
async fn a_body_above_the_limit_is_an_error() {
    let api = api().await.body_limit(1000);
    let large = api.get("/bytes/1001").send().await.expect_err("too large");
    assert!(
        matches!(&large, Error::Body { status: 200, why, .. } if why.contains("body_limit")),
        "{large}"
    );
    let fits = api.get("/bytes/1000").send().await.expect("an answer");
    assert_eq!(fits.bytes().len(), 1000);
    let whole = api
        .clone()
        .body_limit(2_000_000)
        .get("/bytes/1000000")
        .send()
        .await;
    assert_eq!(whole.expect("an answer").bytes(), &vec![b'x'; 1_000_000]);
}

#[tokio::test]
async fn silence_is_a_timeout() {
    let server = raw(|_| Raw::Silence);
    let api = server.client().timeout(Duration::from_millis(30));
    let error = api
        .get("/slow?token=abc")
        .send()
        .await
        .expect_err("silence");
    assert!(
        matches!(&error, Error::Timeout { limit, .. } if *limit == Duration::from_millis(30)),
        "{error}"
    );
    assert!(!error.to_string().contains("abc"), "{error}");
    let stuck = raw(|_| Raw::Send("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab", true));
    let api = stuck.client();
    let error = api
        .get("/stuck")
        .timeout(Duration::from_millis(30))
        .send()
        .await;
    assert!(matches!(error, Err(Error::Timeout { .. })), "{error:?}");
    let [exchange] = &api.take_exchanges()[..] else {
        panic!("one exchange")
    };
    assert_eq!(
        (exchange.status(), &*exchange.to_string()),
        (Some(200), "GET /stuck -> 200, incomplete")
    );
}

#[tokio::test]
async fn a_lost_connection_is_a_transport_error() {
    let server = raw(|_| Raw::Send("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab", false));
    let api = server.client();
    let error = api.get("/half").send().await.expect_err("half a body");
    assert!(matches!(error, Error::Transport { .. }), "{error}");
    assert!(
        api.last_failure()
            .expect("a failure")
            .contains("GET /half -> 200, incomplete")
    );

    let server = raw(|_| Raw::Send("", false));
    let error = server
        .client()
        .get("/none")
        .send()
        .await
        .expect_err("no answer");
    assert!(matches!(error, Error::Transport { .. }), "{error}");

    let nobody = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}", nobody.local_addr().expect("an address"));
    drop(nobody);
    let api = HttpClient::new(&url).expect("a URL");
    let error = api.get("/x").send().await.expect_err("nobody listens");
    assert!(
        matches!(&error, Error::Transport { cause, .. } if cause.contains("refused")),
        "{error}"
    );
    let [exchange] = &api.take_exchanges()[..] else {
        panic!("one exchange")
    };
    assert_eq!(exchange.to_string(), "GET /x -> no answer");
    assert_eq!(api.last_failure(), None);
}

/// A server that closes each connection after its answer without saying so, as some do with idle ones.
async fn closed_between_requests(rounds: u32) {
    let server = raw(|_| Raw::Send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", false));
    let api = server.client();
    for round in 1..=rounds {
        let answer = api.post("/pay").body("1").send().await;
        assert_eq!(answer.expect("an answer").status(), 200, "round {round}");
        // The runtime sees nothing of it, as while a database between two steps is rolled back in this thread.
        server.wait_closed(round);
        std::thread::sleep(Duration::from_millis(10));
    }
    // Each was sent exactly once.
    assert_eq!(server.requests(), rounds);
}

#[tokio::test]
async fn a_connection_closed_between_requests_is_replaced() {
    closed_between_requests(40).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_closed_between_requests_is_replaced_by_threads_too() {
    closed_between_requests(40).await;
}

#[tokio::test]
async fn a_post_that_may_have_been_seen_is_not_sent_again() {
    // Answers the first request of a connection and drops the connection on the second.
    let server = raw(|n| match n {
        0 => Raw::Send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", true),
        _ => Raw::Send("", false),
    });
    let api = server.client();
    api.post("/pay").send().await.expect("an answer");
    let error = api.post("/pay").send().await.expect_err("a lost answer");
    assert!(matches!(error, Error::Transport { .. }), "{error}");
    assert_eq!(server.requests(), 2);
}

#[tokio::test]
async fn connections_are_kept() {
    let server = raw(|_| Raw::Send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", true));
    let api = server.client();
    for _ in 0..5 {
        api.get("/").send().await.expect("an answer");
    }
    assert_eq!((server.connections(), server.requests()), (1, 5));
    api.forget_connections();
    api.get("/").send().await.expect("an answer");
    assert_eq!(server.connections(), 2);
}

#[test]
fn a_connection_of_a_runtime_that_rests_is_not_waited_for() {
    let server = raw(|_| Raw::Send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", true));
    let api = server.client().timeout(Duration::from_secs(2));
    let runtime = || {
        tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a runtime")
    };
    let (first, second) = (runtime(), runtime());
    for runtime in [&first, &second, &first] {
        runtime.block_on(api.get("/").send()).expect("an answer");
    }
    assert_eq!(server.connections(), 3);
}

#[tokio::test]
async fn a_report_shows_no_secret_and_the_server_gets_all() {
    let api = api()
        .await
        .redact("ssn")
        .named("billing")
        .with_role("alice", |role| {
            role.bearer("s3cret-bearer")
                .header("X-Api-Key", "s3cret-key")
        });
    let alice = api.role("alice");
    alice
        .post("/cookie/set?sid=s3cret-sid")
        .send()
        .await
        .expect("an answer");
    let body = json!({"name": "Ann", "password": "s3cret-pass", "nested": {"SSN": "s3cret-ssn"}, "echo": "s3cret-bearer"});
    let answer = alice
        .post("/echo?api_key=s3cret-query")
        .json(&body)
        .send()
        .await
        .expect("an answer");
    let seen: Echo = answer.json_as().expect("an echo");
    assert_eq!(seen.uri, "/echo?api_key=s3cret-query");
    assert_eq!(seen.headers["authorization"], "Bearer s3cret-bearer");
    assert_eq!(seen.headers["x-api-key"], "s3cret-key");
    assert_eq!(seen.headers["cookie"], "sid=s3cret-sid");
    assert!(seen.body.contains("s3cret-pass") && seen.body.contains("s3cret-ssn"));
    alice
        .post("/typed/form")
        .form(&[("token", "s3cret-form"), ("a", "b")])
        .send()
        .await
        .expect("an answer");
    let parts = Multipart::new()
        .text("client_secret", "s3cret-part")
        .text("a", "visible");
    alice
        .post("/echo")
        .multipart(parts)
        .send()
        .await
        .expect("an answer");

    let exchanges = api.take_exchanges();
    let written = serde_json::to_string_pretty(&exchanges).expect("JSON");
    // The echo puts what was sent into a JSON string of another field, where only the credentials are known.
    let escaped = ["s3cret-pass", "s3cret-ssn", "s3cret-part", "s3cret-query"];
    for secret in ["s3cret-bearer", "s3cret-key", "s3cret-sid", "s3cret-form"] {
        assert!(!written.contains(secret), "{secret} in {written}");
    }
    for secret in escaped {
        let requests: Vec<_> = exchanges
            .iter()
            .map(|exchange| exchange.shown().request)
            .collect();
        let requests = serde_json::to_string(&requests).expect("JSON");
        assert!(!requests.contains(secret), "{secret} in {requests}");
    }
    assert!(
        !format!("{answer:?} {exchanges:?} {api:?} {:?}", api.cookies()).contains("s3cret-bearer")
    );
    assert!(
        written.contains("Ann") && written.contains("visible"),
        "{written}"
    );
    assert_eq!(
        exchanges[1].to_string(),
        "POST /echo?api_key=[redacted] -> 200"
    );
    assert_eq!(
        (exchanges[1].api(), exchanges[1].role()),
        ("billing", Some("alice"))
    );

    let read: Vec<Exchange> = serde_json::from_str(&written).expect("exchanges");
    assert_eq!(read, exchanges);
    assert_eq!(read[1].to_string(), exchanges[1].to_string());
}

#[tokio::test]
async fn all_clones_share_one_record() -> Result<()> {
    let api = api().await.with_role("alice", |role| role);
    api.get("/echo/1").send().await?;
    api.clone()
        .timeout(Duration::from_secs(1))
        .get("/echo/2")
        .send()
        .await?;
    api.role("alice").get("/echo/3").send().await?;
    let calls: Vec<_> = api
        .take_exchanges()
        .iter()
        .map(Exchange::to_string)
        .collect();
    assert_eq!(
        calls,
        [
            "GET /echo/1 -> 200",
            "GET /echo/2 -> 200",
            "GET /echo/3 -> 200"
        ]
    );
    assert!(api.take_exchanges().is_empty());
    assert_eq!(api.requests_sent(), 3);
    Ok(())
}

#[tokio::test]
async fn a_request_given_up_is_recorded() {
    let server = raw(|_| Raw::Silence);
    let api = server.client();
    let given_up = tokio::time::timeout(Duration::from_millis(30), api.get("/x").send()).await;
    assert!(given_up.is_err());
    assert!(api.last_failure().expect("a failure").contains("given up"));
}

#[tokio::test]
async fn a_mistake_in_building_is_told_and_nothing_is_sent() {
    let api = api().await;
    let unfit: BTreeMap<(u8, u8), u8> = [((1, 2), 3)].into();
    for (request, part) in [
        (api.get("/x").header("a b", "c"), "no name of a header"),
        (api.get("/x").bearer("a\nb"), "no header can hold"),
        (api.post("/x").json(&unfit), "no JSON form"),
        (api.request("A B", "/x"), "no HTTP method"),
        (api.get("/x#y"), "%23"),
        (
            api.clone().with_header("\0", "").get("/x"),
            "no name of a header",
        ),
        (
            api.clone()
                .with_role("r", |role| role.bearer("\n"))
                .get("/x"),
            "role `r`",
        ),
    ] {
        let error = request.send().await.expect_err(part);
        assert!(
            matches!(&error, Error::Request { why, .. } if why.contains(part)),
            "{error}"
        );
    }
    assert_eq!(api.requests_sent(), 0);
}

#[test]
fn proxy_variables_are_ignored() {
    if std::env::var_os("http_proxy").is_none() {
        // Nobody listens on port 9, so a client that obeyed would fail.
        let proxy = "http://127.0.0.1:9";
        let again = std::process::Command::new(std::env::current_exe().expect("this test"))
            .args(["--exact", "proxy_variables_are_ignored"])
            .env_remove("no_proxy")
            .env_remove("NO_PROXY")
            .envs([
                ("http_proxy", proxy),
                ("HTTP_PROXY", proxy),
                ("all_proxy", proxy),
                ("ALL_PROXY", proxy),
            ])
            .output()
            .expect("this test again");
        let text = String::from_utf8_lossy(&again.stdout);
        assert!(
            again.status.success() && text.contains("1 passed"),
            "{text}"
        );
        return;
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    runtime.expect("a runtime").block_on(async {
        assert_eq!(echo(api().await.get("/echo")).await.method, "GET");
    });
}

#[tokio::test]
async fn localhost_is_this_machine() {
    let api = api().await;
    let url = api.base_url().replace("127.0.0.1", "localhost");
    let api = HttpClient::new(&url).expect("a URL");
    let seen = echo(api.get("/echo")).await;
    assert_eq!(format!("http://{}", seen.headers["host"]), url);
    let url = url.replace("localhost", "shop.localhost");
    let api = HttpClient::new(&url).expect("a URL");
    assert_eq!(echo(api.get("/echo")).await.method, "GET");
}
