//! The server under test as a real process: this test binary once more, in the role that `ROLE` names.

#![cfg(unix)]

mod roles;

use std::net::{TcpListener, TcpStream};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use roles::{again, alive, eventually};
use venomqa::server::Spawn;
use venomqa::{Error, Server};

/// Not a test of its own: what the processes that the tests start run.
#[test]
fn role() {
    if let Ok(role) = std::env::var("ROLE") {
        roles::play(&role);
    }
}

fn spawn(role: &str) -> Spawn {
    Server::spawn(again(role)).ready_when("/health")
}

async fn text(server: &Server, path: &str) -> String {
    let answer = server.client().get(path).send().await.expect("an answer");
    answer.text().into_owned()
}

#[track_caller]
fn check_error(error: &Error, parts: &[&str]) {
    let shown = error.to_string();
    assert!(matches!(error, Error::Server { .. }), "{shown}");
    for part in parts {
        assert!(shown.contains(part), "{part:?} is missing in {shown}");
    }
}

fn assert_send_sync<T: Send + Sync + 'static>(_: &T) {}

#[tokio::test]
async fn a_server_starts_answers_and_is_gone_when_dropped() {
    let server = Server::spawn(
        again("serve")
            .env("GREETING", "hello")
            .env("HOME_PAGE", "http://127.0.0.1:{port}/"),
    )
    .ready_when("/health")
    .await
    .expect("a server");
    assert_send_sync(&server);
    assert!(server.is_alive() && server.exit_status().is_none() && !server.is_stateful());
    assert_eq!(server.url(), format!("http://127.0.0.1:{}", server.port()));
    assert_eq!(text(&server, "/env/GREETING").await, "hello");
    assert_eq!(
        text(&server, "/env/HOME_PAGE").await,
        format!("{}/", server.url())
    );
    let mark = server.log_mark();
    text(&server, "/say/something").await;
    eventually("the line", || server.logs_since(mark) == "something\n");
    assert!(server.logs().contains("listening on"), "{}", server.logs());
    let port = server.port();
    drop(server);
    assert!(TcpStream::connect(("127.0.0.1", port)).is_err());
}

#[tokio::test]
async fn a_port_is_handed_over_as_the_server_wants_it() {
    for spawn in [
        spawn("serve").port_env("APP_PORT"),
        Server::spawn(again("serve").env("PORT_FROM", "argument")).port_arg("--skip"),
        Server::spawn(
            again("serve")
                .env("PORT_FROM", "argument")
                .args(["--skip", "{port}"]),
        ),
    ] {
        let server = spawn.ready_when("/health").await.expect("a server");
        assert!(server.is_alive());
    }
}

#[tokio::test]
async fn ready_means_the_status_asked_for() {
    let server = Server::spawn(again("serve").env("BUSY", "3"))
        .ready_when("/health")
        .stateful()
        .await;
    let server = server.expect("a server");
    assert!(server.is_stateful());
    assert!(
        text(&server, "/count")
            .await
            .parse::<u32>()
            .expect("a number")
            >= 5
    );
    let server = Server::spawn(again("serve").env("BUSY", "1000000"))
        .ready_when("/health")
        .ready_status(503);
    assert!(server.await.expect("a server").is_alive());
    let server = Server::spawn(again("serve").env("BUSY", "1000000")).ready_when_listening();
    assert!(server.await.expect("a server").is_alive());
}

#[tokio::test]
async fn never_ready_tells_the_last_answer_and_the_output() {
    let limit = Duration::from_millis(1500);
    let busy = Server::spawn(again("serve").env("BUSY", "1000000")).ready_when("/health");
    let (busy, silent, deaf) = tokio::join!(
        busy.ready_within(limit).into_future(),
        spawn("sleep").ready_within(limit).into_future(),
        spawn("sleep")
            .ready_when_listening()
            .ready_within(limit)
            .into_future(),
    );
    let parts = [
        "not ready within 1.5s",
        "GET /health -> 503",
        "listening on",
    ];
    check_error(&busy.expect_err("busy"), &parts);
    let parts = ["not ready within 1.5s", "refused", "`PORT`", "sleeping"];
    check_error(&silent.expect_err("silent"), &parts);
    check_error(&deaf.expect_err("deaf"), &["nothing listens on 127.0.0.1:"]);
}

#[tokio::test]
async fn dying_at_the_start_tells_how_and_the_output() {
    let error = spawn("die").await.expect_err("dead");
    check_error(
        &error,
        &[
            "ended before it was ready: exited with code 7",
            "the config is wrong",
        ],
    );
    let error = spawn("abort").await.expect_err("dead");
    check_error(&error, &["killed by signal 6 (SIGABRT)"]);
    let error = Server::spawn(Command::new("/no/such/program"))
        .await
        .expect_err("nothing");
    check_error(&error, &["/no/such/program", "cannot be started"]);
}

#[tokio::test]
async fn a_foreign_server_on_the_port_does_not_count() {
    let foreign = Server::spawn(again("serve"))
        .ready_when("/health")
        .await
        .expect("a server");
    let error = spawn("serve")
        .port(foreign.port())
        .await
        .expect_err("taken");
    check_error(&error, &["is taken by another process"]);
    // Nor when ours cannot know, because it is alive and listens elsewhere or not at all.
    let error = spawn("sleep")
        .port(foreign.port())
        .await
        .expect_err("taken");
    check_error(&error, &["is taken by another process"]);
}

#[tokio::test]
async fn a_server_whose_port_was_taken_in_between_gets_another() {
    let folder = tempfile::tempdir().expect("a folder");
    let marker = folder.path().join("port");
    let server = Server::spawn(again("robbed").env("MARKER", &marker))
        .ready_when("/health")
        .await
        .expect("a server");
    let first = std::fs::read_to_string(marker).expect("the first port");
    assert_ne!(first, server.port().to_string());
    assert!(
        server.logs().to_lowercase().contains("in use"),
        "{}",
        server.logs()
    );
}

#[tokio::test]
async fn a_crash_is_seen_and_told() {
    let server = spawn("serve").await.expect("a server");
    let lost = server.client().get("/abort").send().await;
    assert!(matches!(lost, Err(Error::Transport { .. })), "{lost:?}");
    eventually("the end", || !server.is_alive());
    assert_eq!(
        server.exit_status().expect("an end"),
        "killed by signal 6 (SIGABRT)"
    );
    assert!(server.logs().ends_with("last words\n"), "{}", server.logs());

    server.restart().await.expect("a restart");
    assert!(server.is_alive() && server.exit_status().is_none());
    assert_eq!(text(&server, "/health").await, "ok");
}

#[tokio::test]
async fn a_restart_is_a_fresh_process_and_clients_follow() {
    let server = spawn("serve").await.expect("a server");
    let client = server
        .client()
        .with_role("alice", |role| role)
        .role("alice");
    let pid = text(&server, "/pid").await;
    let port = server.port();
    for _ in 0..3 {
        server.restart().await.expect("a restart");
        assert_eq!(server.port(), port);
        let now = client.post("/pid").send().await.expect("an answer");
        assert_ne!(now.text(), pid);
    }
    server.stop().await.expect("stopped");
    assert_eq!(
        server.exit_status().expect("an end"),
        "killed by signal 15 (SIGTERM)"
    );
    let squatter = TcpListener::bind(("127.0.0.1", port)).expect("the port is free");
    server.restart().await.expect("a restart");
    assert_ne!(server.port(), port);
    assert_eq!(client.base_url(), server.url());
    assert_eq!(
        client
            .get("/health")
            .send()
            .await
            .expect("an answer")
            .status(),
        200
    );
    drop(squatter);
}

/// A server with a child of its own that ignores `SIGTERM`, and the ids of both.
async fn family() -> (Server, [String; 2]) {
    let server = spawn("family")
        .stop_within(Duration::from_millis(200))
        .await
        .expect("a server");
    let pids = [text(&server, "/pid").await, text(&server, "/child").await];
    assert!(pids.iter().all(|pid| alive(pid)), "{pids:?}");
    (server, pids)
}

#[tokio::test]
async fn all_descendants_are_stopped() {
    let (other, others) = family().await;
    let (server, pids) = family().await;
    server.stop().await.expect("stopped");
    assert!(!pids.iter().any(|pid| alive(pid)), "after stop");

    let (server, pids) = family().await;
    drop(server);
    assert!(!pids.iter().any(|pid| alive(pid)), "after drop");

    let (server, pids) = family().await;
    let _ = server.client().get("/abort").send().await;
    eventually("the end", || !server.is_alive());
    assert!(alive(&pids[1]), "the child outlives the crash");
    drop(server);
    assert!(!alive(&pids[1]), "after a crash");

    assert!(
        others.iter().all(|pid| alive(pid)),
        "the other server is not concerned"
    );
    drop(other);
    assert!(!others.iter().any(|pid| alive(pid)));
}

#[tokio::test]
async fn a_server_that_ignores_sigterm_is_killed() {
    let server = spawn("stubborn")
        .stop_within(Duration::from_millis(200))
        .await
        .expect("a server");
    let begin = Instant::now();
    server.stop().await.expect("stopped");
    assert_eq!(
        server.exit_status().expect("an end"),
        "killed by signal 9 (SIGKILL)"
    );
    assert!(begin.elapsed() >= Duration::from_millis(200));
    server.stop().await.expect("stopping again does nothing");
}

#[tokio::test]
async fn a_server_that_ends_by_itself_on_sigterm_is_given_the_time() {
    let server = spawn("graceful").await.expect("a server");
    server.stop().await.expect("stopped");
    assert_eq!(server.exit_status().expect("an end"), "exited with code 0");
    assert!(server.logs().ends_with("tidied up\n"), "{}", server.logs());
}

/// The lines that a parent prints once its servers run: the ids of all their processes.
fn parent() -> (std::process::Child, Vec<String>) {
    use std::io::{BufRead, BufReader};
    let mut parent = again("parent")
        .stdout(Stdio::piped())
        .spawn()
        .expect("a parent");
    let lines = BufReader::new(parent.stdout.take().expect("its output")).lines();
    let pids: Vec<String> = lines
        .map(|line| line.expect("a line"))
        .skip_while(|line| line != "pids")
        .skip(1)
        .take_while(|line| line != "end")
        .collect();
    assert_eq!(pids.len(), 4);
    assert!(pids.iter().all(|pid| alive(pid)), "{pids:?}");
    (parent, pids)
}

#[test]
fn kill_9_of_the_test_leaves_nothing_behind() {
    let (mut parent, pids) = parent();
    // SIGKILL.
    parent.kill().expect("killed");
    parent.wait().expect("reaped");
    for pid in pids {
        eventually("the end of all", || !alive(&pid));
    }
}

#[test]
fn a_test_that_exits_without_dropping_leaves_nothing_behind() {
    let (mut parent, pids) = parent();
    drop(parent.stdin.take());
    let id = parent.id().to_string();
    let told = Command::new("kill")
        .args(["-TERM", &id])
        .status()
        .expect("kill");
    assert!(told.success());
    parent.wait().expect("reaped");
    for pid in pids {
        eventually("the end of all", || !alive(&pid));
    }
}
