use std::time::{Duration, Instant};

use venomqa::prelude::*;
use venomqa::{Ended, Exploration};

use crate::lab::{Lab, assert_tells, create_order, error_of, found};

async fn refund_and_read(api: &HttpClient, ctx: &mut Context) -> ActionResult {
    let id: String = ctx.require("order_id")?;
    let refunded = api.post(&format!("/orders/{id}/refund")).send().await?;
    refunded.json()?;
    Ok(refunded)
}

async fn explore(mishap: &str) -> Exploration {
    let lab = Lab::new(&format!("second_refund={mishap}"));
    let agent = Agent::new(lab.world().await)
        .action(Action::new("create_order", create_order))
        .action(Action::new("refund_order", refund_and_read))
        .max_depth(4);
    let started = Instant::now();
    let exploration = agent.explore().await.unwrap();
    assert!(
        started.elapsed() < Duration::from_secs(10),
        "{:?}",
        started.elapsed()
    );
    exploration
}

/// An answer that the action cannot read is a finding: the action's own.
async fn check_unreadable(mishap: &str, why: &[&str]) {
    let exploration = explore(mishap).await;
    let told = exploration.summary();
    assert_eq!(
        found(&exploration),
        ["no_failed_action: create_order -> refund_order -> refund_order"],
        "{told}"
    );
    assert_tells(&exploration.violations[0].message, why);
    assert_eq!(exploration.ended, Ended::Complete, "{told}");
    assert!(told.len() < 2000, "{} bytes", told.len());
    let odd = |c: &char| c.is_control() && *c != '\n';
    assert_eq!(told.chars().find(odd), None, "{told:?}");
}

#[tokio::test]
async fn a_page_instead_of_json_is_shown_by_its_beginning() {
    check_unreadable(
        "html",
        &[
            "answered 200",
            "the body is no JSON",
            "<html><h1>Bad gateway",
        ],
    )
    .await;
}

#[tokio::test]
async fn an_enormous_body_is_told_and_not_kept() {
    check_unreadable(
        "enormous",
        &["larger than 10000000 bytes", "HttpClient::body_limit"],
    )
    .await;
}

#[tokio::test]
async fn a_body_without_end_is_told_and_not_kept() {
    check_unreadable(
        "endless",
        &["larger than 10000000 bytes", "HttpClient::body_limit"],
    )
    .await;
}

#[tokio::test]
async fn a_length_that_is_too_short_cuts_the_body() {
    check_unreadable("short_length", &["the body is no JSON", "{"]).await;
}

#[tokio::test]
async fn control_characters_of_a_body_do_not_reach_the_terminal() {
    check_unreadable("escapes", &["the body is no JSON", "red"]).await;
}

/// Without a whole answer nobody knows what the server did: the exploration ends with the sequence.
async fn check_no_answer(mishap: &str, why: &str) {
    let exploration = explore(mishap).await;
    let (message, sequence, _) = error_of(&exploration);
    assert_tells(message, &["POST", "/refund", "no answer from the API", why]);
    assert_eq!(sequence, ["create_order", "refund_order", "refund_order"]);
}

#[tokio::test]
async fn a_body_that_breaks_off_ends_the_exploration_with_its_sequence() {
    check_no_answer("truncated", "").await;
}

#[tokio::test]
async fn a_length_that_is_too_long_ends_the_exploration_with_its_sequence() {
    check_no_answer("long_length", "").await;
}

#[tokio::test]
async fn what_is_not_http_ends_the_exploration_with_its_sequence() {
    check_no_answer("not_http", "").await;
}
