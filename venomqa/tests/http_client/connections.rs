use std::time::Duration;

use venomqa::Error;

use crate::servers::{Raw, raw};

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
    // One, unless this test was held up for longer than a connection is kept.
    let connections = server.connections();
    assert!(connections < 5 && server.requests() == 5);
    api.forget_connections();
    api.get("/").send().await.expect("an answer");
    assert_eq!(server.connections(), connections + 1);
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
