use std::time::Duration;

use venomqa::{Error, HttpClient, Multipart, json};

use crate::servers::api;
use crate::{assert_send_sync, echo};

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

#[test]
fn proxy_variables_are_ignored() {
    if std::env::var_os("http_proxy").is_none() {
        // Nobody listens on port 9, so a client that obeyed would fail.
        let proxy = "http://127.0.0.1:9";
        let again = std::process::Command::new(std::env::current_exe().expect("this test"))
            .args(["--exact", "sends::proxy_variables_are_ignored"])
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
