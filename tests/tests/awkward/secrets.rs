use venomqa::prelude::*;
use venomqa::{Event, Exploration};

use crate::lab::{Lab, assert_tells, create_order, found, refund_order};

/// What must never be read in a report: what the client was given, what an action sends, and what the server answers.
const SECRETS: [&str; 5] = [
    "bearer-of-the-client-1234",
    "bearer-of-alice-5678",
    "hunter2-hunter2",
    "cookie-from-the-server-0815",
    "token-from-the-server-4711",
];

async fn log_in(api: &HttpClient, ctx: &mut Context) -> ActionResult {
    let answer = api
        .role("alice")
        .post("/login")
        .json(&json!({ "user": "alice", "password": SECRETS[2] }))
        .send()
        .await?;
    ctx.set("token", answer.json()?["token"].clone());
    Ok(answer)
}

/// Sends the token of the server back, and reads it as what it is not.
async fn use_token(api: &HttpClient, ctx: &mut Context) -> ActionResult {
    let token: String = ctx.require("token")?;
    let answer = api.get("/me").bearer(&token).send().await?;
    ctx.require::<i64>("token")?;
    Ok(answer)
}

/// What the API answers is no JSON of this shape, and the error shows it.
async fn misreads(api: &HttpClient, _: &Context) -> Verdict {
    let answer = api
        .post("/login")
        .json(&json!({ "password": SECRETS[2] }))
        .send()
        .await?;
    answer.json_as::<Vec<i64>>()?;
    Ok(())
}

async fn shows(api: &HttpClient, _: &Context) -> Verdict {
    let answer = api.get("/me").send().await?;
    ensure!(
        answer.is_success(),
        "{:?} with {:?}",
        answer,
        answer.request()
    );
    Ok(())
}

async fn explore(quirks: &str) -> (Exploration, String) {
    let lab = Lab::new(quirks);
    let server = lab.spawn().await.unwrap();
    let db = venomqa::adapters::SqliteAdapter::open(lab.database())
        .await
        .unwrap();
    let api = server
        .client()
        .with_header("authorization", "Bearer bearer-of-the-client-1234")
        .with_role("alice", |role| role.bearer("bearer-of-alice-5678"));
    let told = std::sync::Arc::new(std::sync::Mutex::new(String::new()));
    let events = std::sync::Arc::clone(&told);
    let agent = Agent::new(World::new(api).with("db", db).with_server(server))
        .action(Action::new("log_in", log_in))
        .action(Action::new("use_token", use_token).may_fail())
        .action(Action::new("create_order", create_order))
        .action(Action::new("refund_order", refund_order))
        .invariant(Invariant::new("misreads", misreads))
        .invariant(Invariant::new("shows", shows))
        .config(venomqa::Config {
            expand_violating: true,
            max_depth: 3,
            ..Default::default()
        })
        .observer(move |event: &Event<'_>| {
            events.lock().unwrap().push_str(&format!("{event:?}\n"))
        });
    let exploration = agent.explore().await.unwrap();
    let events = told.lock().unwrap().clone();
    (exploration, events)
}

#[track_caller]
fn assert_hidden(exploration: &Exploration, events: &str) {
    let json = serde_json::to_string(exploration).unwrap();
    for text in [
        &exploration.summary(),
        &format!("{exploration:?}"),
        &json,
        events,
    ] {
        for secret in SECRETS {
            if let Some(at) = text.find(secret) {
                let (from, to) = (at.saturating_sub(300), (at + 100).min(text.len()));
                panic!(
                    "{secret} in: {}",
                    &text[text.floor_char_boundary(from)..text.floor_char_boundary(to)]
                );
            }
        }
    }
}

#[tokio::test]
async fn no_secret_is_in_what_is_told() {
    let (exploration, events) = explore("").await;
    let told = exploration.summary();
    assert_hidden(&exploration, &events);
    assert_tells(
        &found(&exploration).join("\n"),
        &["no_failed_action: log_in -> use_token", "shows: "],
    );
    assert_tells(
        &told,
        &["rule `misreads` could not be evaluated", "[redacted]"],
    );
}

#[tokio::test]
async fn no_secret_is_in_the_rows_that_a_step_changed() {
    let (exploration, events) = explore("store_tokens").await;
    assert_hidden(&exploration, &events);
}

#[tokio::test]
async fn no_credential_of_the_client_is_in_the_logs_of_a_server_that_prints_them() {
    let (exploration, events) = explore("echo_credentials second_refund=exit").await;
    assert_hidden(&exploration, &events);
    let crash = exploration
        .violations
        .iter()
        .find(|violation| violation.rule == "no_crash")
        .unwrap();
    assert_tells(
        &crash.logs,
        &[
            "POST /orders/1/refund authorization: Bearer [redacted]",
            "fatal",
        ],
    );
}
