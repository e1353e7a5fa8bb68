use std::collections::BTreeMap;
use std::time::Duration;

use venomqa::{Error, HttpClient, json};

use crate::servers::{Raw, api, raw};

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
