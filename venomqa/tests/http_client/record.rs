use std::time::Duration;

use venomqa::{Exchange, Multipart, Result, json};

use crate::Echo;
use crate::servers::{Raw, api, raw};

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
async fn a_record_that_nobody_takes_stays_small() {
    let api = api().await;
    for n in 0..1010 {
        api.get(&format!("/echo/{n}"))
            .send()
            .await
            .expect("an answer");
    }
    let kept = api.take_exchanges();
    assert_eq!(
        (kept.len(), &*kept[0].to_string()),
        (1000, "GET /echo/10 -> 200")
    );
    for _ in 0..15 {
        api.get("/bytes/6000000").send().await.expect("an answer");
    }
    assert_eq!(api.take_exchanges().len(), 10);
}

#[tokio::test]
async fn a_request_given_up_is_recorded() {
    let server = raw(|_| Raw::Silence);
    let api = server.client();
    let given_up = tokio::time::timeout(Duration::from_millis(30), api.get("/x").send()).await;
    assert!(given_up.is_err());
    assert!(api.last_failure().expect("a failure").contains("given up"));
}
