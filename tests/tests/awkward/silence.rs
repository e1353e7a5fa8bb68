use std::time::{Duration, Instant};

use venomqa::adapters::SqliteAdapter;
use venomqa::prelude::*;

use crate::lab::{Lab, assert_tells, error_of, found, shop};

async fn no_orders(api: &HttpClient, _: &Context) -> Verdict {
    let orders = api.get("/orders").send().await?.json()?;
    ensure!(orders.as_array().is_some_and(Vec::is_empty), "an order");
    Ok(())
}

#[tokio::test]
async fn a_sequence_that_is_never_answered_is_an_error_with_its_sequence_and_findings_are_kept() {
    let lab = Lab::new("second_refund=hang");
    let agent = shop(lab.world().await)
        .invariant(Invariant::new("no_orders", no_orders))
        .config(venomqa::Config {
            expand_violating: true,
            ..Default::default()
        });
    let started = Instant::now();
    let exploration = agent.explore().await.unwrap();
    let told = exploration.summary();
    let (message, sequence, _) = error_of(&exploration);
    assert_tells(
        message,
        &[
            "POST",
            "/refund",
            "no answer within 1s",
            "HttpClient::timeout",
        ],
    );
    assert_eq!(
        sequence,
        ["create_order", "refund_order", "refund_order"],
        "{told}"
    );
    // The server lives, so what was found before is confirmed.
    assert_eq!(found(&exploration), ["no_orders: create_order"], "{told}");
    assert_tells(
        &exploration.shortcomings().join("\n"),
        &[
            "ended early",
            "create_order -> refund_order -> refund_order",
        ],
    );
    assert!(
        started.elapsed() < Duration::from_secs(10),
        "{:?}",
        started.elapsed()
    );
}

async fn patient(api: &HttpClient, _: &Context) -> Verdict {
    let orders = api.get("/orders").send().await?.json()?;
    if orders[0]["refunded"] == 100 {
        let id = &orders[0]["id"].as_str().unwrap_or_default();
        api.post(&format!("/orders/{id}/refund")).send().await?;
    }
    Ok(())
}

#[tokio::test]
async fn a_rule_whose_request_is_never_answered_is_not_checked_there_and_the_rest_goes_on() {
    let lab = Lab::new("second_refund=hang");
    let server = lab.spawn().await.unwrap();
    let db = SqliteAdapter::open(lab.database()).await.unwrap();
    let world = World::new(server.client().timeout(Duration::from_millis(200)));
    let agent = Agent::new(world.with("db", db).with_server(server))
        .action(Action::new("create_order", crate::lab::create_order))
        .action(Action::new("refund_order", crate::lab::refund_order).max_calls(1))
        .invariant(Invariant::new("patient", patient))
        .max_depth(3);
    let exploration = agent.explore().await.unwrap();
    let told = exploration.summary();
    assert_eq!(found(&exploration), [""; 0], "{told}");
    let rule = &exploration.rules[0];
    assert!(rule.checks > 0 && rule.not_checked > 0, "{rule:?}");
    assert_tells(
        rule.why_not.as_deref().unwrap(),
        &["no answer within 200ms"],
    );
}

#[tokio::test]
async fn a_server_that_never_gets_ready_is_told_with_what_it_waits_for() {
    let lab = Lab::new("start=never");
    let started = Instant::now();
    let spawned = lab.spawn().ready_within(Duration::from_millis(700)).await;
    let message = spawned.unwrap_err().to_string();
    assert_tells(
        &message,
        &[
            "awkward",
            "not ready within 700ms",
            "waiting for the migrations",
        ],
    );
    assert!(started.elapsed() < Duration::from_secs(5));
}

#[tokio::test]
async fn a_server_that_ends_at_once_is_told_with_its_last_words() {
    let message = Lab::new("start=exit")
        .spawn()
        .await
        .unwrap_err()
        .to_string();
    assert_tells(
        &message,
        &[
            "ended before it was ready",
            "exited with code 3",
            "no such host: db.internal",
        ],
    );
}

async fn wraps_errors(
    api: &HttpClient,
    ctx: &mut Context,
) -> std::result::Result<Response, String> {
    let id: String = ctx.require("order_id").map_err(|error| error.to_string())?;
    let refund = api.post(&format!("/orders/{id}/refund")).send().await;
    refund.map_err(|error| format!("no refund: {error}"))
}

#[tokio::test]
async fn an_error_type_of_the_users_own_does_not_hide_that_there_was_no_answer() {
    let lab = Lab::new("second_refund=hang");
    let agent = Agent::new(lab.world().await)
        .action(Action::new("create_order", crate::lab::create_order))
        .action(Action::new("wraps_errors", wraps_errors));
    let exploration = agent.explore().await.unwrap();
    let (message, sequence, _) = error_of(&exploration);
    assert_tells(message, &["no refund: POST", "no answer within 1s"]);
    assert_eq!(sequence, ["create_order", "wraps_errors", "wraps_errors"]);
    assert_eq!(found(&exploration), [""; 0]);
}

async fn shrugs(api: &HttpClient, ctx: &mut Context) -> Option<Response> {
    let id: String = ctx.require("order_id").ok()?;
    api.post(&format!("/orders/{id}/refund")).send().await.ok()
}

#[tokio::test]
async fn an_action_that_shrugs_does_not_hide_that_there_was_no_answer() {
    let lab = Lab::new("second_refund=hang");
    let agent = Agent::new(lab.world().await)
        .action(Action::new("create_order", crate::lab::create_order))
        .action(Action::new("shrugs", shrugs));
    let exploration = agent.explore().await.unwrap();
    let (message, sequence, _) = error_of(&exploration);
    assert_tells(message, &["POST", "/refund", "no answer within 1s"]);
    assert_eq!(sequence, ["create_order", "shrugs", "shrugs"]);
}

async fn hangs_up(api: &HttpClient, ctx: &mut Context) -> Result<()> {
    let id: String = ctx.require("order_id")?;
    let refund = api.post(&format!("/orders/{id}/refund")).send();
    // A client that goes away is part of the test.
    let _ = tokio::time::timeout(Duration::from_millis(100), refund).await;
    Ok(())
}

#[tokio::test]
async fn a_client_that_hangs_up_on_purpose_is_no_error() {
    let lab = Lab::new("second_refund=hang");
    let agent = Agent::new(lab.world().await)
        .action(Action::new("create_order", crate::lab::create_order))
        .action(Action::new("hangs_up", hangs_up))
        .max_depth(4);
    let exploration = agent.explore().await.unwrap();
    crate::lab::assert_clean(&exploration);
    assert_eq!(exploration.states_visited, 3, "{}", exploration.summary());
}
