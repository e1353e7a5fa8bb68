use venomqa::Error;

use crate::echo;
use crate::servers::api;

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
