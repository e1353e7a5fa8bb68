use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};

use venomqa::prelude::*;
use venomqa::{Checked, Ended, Exploration, IntoChecked, InvariantArgument};

use crate::lab::{Lab, assert_clean, assert_tells, found, no_over_refund, shop};

async fn explore(rule: Invariant) -> Exploration {
    let lab = Lab::new("");
    shop(lab.world().await)
        .invariant(rule)
        .explore()
        .await
        .unwrap()
}

async fn panics(api: &HttpClient, _: &Context) {
    let orders = api.get("/orders").send().await.unwrap().json().unwrap();
    assert_ne!(orders[0]["refunded"], 100, "a refund");
}

#[tokio::test]
async fn a_rule_that_panics_is_broken() {
    let exploration = explore(Invariant::new("panics", panics)).await;
    assert_eq!(
        found(&exploration),
        ["panics: create_order -> refund_order"]
    );
    assert_tells(
        &exploration.violations[0].message,
        &["a refund", "panicked at", "rules.rs"],
    );
}

async fn own_error(api: &HttpClient, _: &Context) -> std::result::Result<(), String> {
    let orders = api
        .get("/orders")
        .send()
        .await
        .map_err(|error| error.to_string())?;
    match orders.text().contains("\"refunded\":100") {
        true => Err("a refund".into()),
        false => Ok(()),
    }
}

#[tokio::test]
async fn a_rule_with_an_error_of_its_own_is_broken() {
    let exploration = explore(Invariant::new("own_error", own_error)).await;
    assert_eq!(
        found(&exploration),
        ["own_error: create_order -> refund_order"]
    );
}

async fn false_at_once(_: &HttpClient, _: &Context) -> bool {
    false
}

#[tokio::test]
async fn a_rule_that_is_broken_in_the_initial_state_is_told_and_nothing_else_is_explored() {
    let exploration = explore(Invariant::new("false_at_once", false_at_once)).await;
    let told = exploration.summary();
    assert_eq!(found(&exploration), ["false_at_once: "], "{told}");
    assert_eq!(exploration.violations[0].path(), "initial_state");
    assert_tells(&told, &["in the initial state"]);
    assert_eq!(
        (exploration.states_visited, exploration.transitions),
        (1, 0)
    );
    // No action was tried, and that is not passed over.
    assert_tells(
        &exploration.shortcomings().join("\n"),
        &[
            "never tried: `create_order`",
            "`false_at_once` is broken in the initial state",
        ],
    );
    assert!(!told.contains("limit"), "{told}");
}

async fn reads_rubbish(api: &HttpClient, _: &Context) -> Verdict {
    let orders = api.get("/orders").send().await?;
    if orders.text().contains("\"refunded\":100") {
        orders.json_as::<Vec<i64>>()?;
    }
    Ok(())
}

#[tokio::test]
async fn a_rule_that_cannot_be_evaluated_is_neither_kept_nor_broken() {
    let exploration = explore(Invariant::new("reads_rubbish", reads_rubbish)).await;
    let told = exploration.summary();
    assert_eq!(found(&exploration), [""; 0], "{told}");
    let rule = exploration
        .rules
        .iter()
        .find(|rule| rule.name == "reads_rubbish")
        .unwrap();
    assert!(rule.checks > 0 && rule.not_checked > 0, "{rule:?}");
    assert_tells(
        rule.why_not.as_deref().unwrap(),
        &["GET", "/orders answered 200"],
    );
    assert_tells(&told, &["rule `reads_rubbish` could not be evaluated"]);
}

#[tokio::test]
async fn a_rule_before_an_action_excludes_the_action() {
    // An order that is refunded must not be touched: with `before` nothing is performed there.
    let rule = Invariant::new("own_error", own_error).when(When::Before);
    let exploration = explore(rule).await;
    let told = exploration.summary();
    assert_eq!(
        found(&exploration),
        ["own_error: create_order -> refund_order"],
        "{told}"
    );
    let free = shop(Lab::new("").world().await).explore().await.unwrap();
    // Three actions are excluded in the refunded state.
    assert_eq!(exploration.transitions + 3, free.transitions, "{told}");
    assert_eq!(exploration.ended, Ended::Complete);
}

#[tokio::test]
async fn a_rule_for_both_is_checked_before_and_after() {
    let counted = |when: When| async move {
        let calls = Arc::new(AtomicU64::new(0));
        let seen = Arc::clone(&calls);
        let rule = Invariant::of_parts("counted", move |_| {
            seen.fetch_add(1, SeqCst);
            Box::pin(async { Checked::Held })
        });
        let exploration = explore(rule.when(when)).await;
        assert_clean(&exploration);
        (
            calls.load(SeqCst),
            exploration.transitions,
            exploration
                .actions
                .iter()
                .map(|action| action.tried)
                .sum::<u64>(),
        )
    };
    let (after, transitions, tried) = counted(When::After).await;
    assert_eq!(after, 1 + transitions);
    // Before every attempt, and once in the initial state.
    assert_eq!(counted(When::Before).await.0, 1 + tried);
    assert_eq!(counted(When::Both).await.0, 1 + tried + transitions);
}

#[tokio::test]
async fn a_rule_by_hand_can_look_at_the_step() {
    let rule = Invariant::of_parts("refunds_are_answered", |mut parts| {
        let step = <&Step as InvariantArgument>::take(&mut parts, None);
        Box::pin(async move {
            let verdict: Verdict = async {
                let step = step?;
                let changed = step
                    .changes
                    .iter()
                    .any(|change| change.contains("refunded 0 -> 100"));
                ensure!(
                    !changed || step.action == "refund_order",
                    "{} refunds",
                    step.action
                );
                ensure!(
                    !changed || step.status == Some(201),
                    "a refund answers {:?}",
                    step.status
                );
                Ok(())
            }
            .await;
            verdict.into_checked()
        })
    });
    let exploration = explore(rule.takes_step()).await;
    let told = exploration.summary();
    assert_eq!(
        found(&exploration),
        ["refunds_are_answered: create_order -> refund_order"],
        "{told}"
    );
    assert_tells(
        &exploration.violations[0].message,
        &["a refund answers Some(200)"],
    );
    let rule = exploration
        .rules
        .iter()
        .find(|rule| rule.name == "refunds_are_answered")
        .unwrap();
    assert_eq!(rule.not_checked, 0, "{rule:?}");
}

#[tokio::test]
async fn two_rules_that_break_at_one_place_are_two_findings() {
    let lab = Lab::new("second_refund=allowed");
    let agent = shop(lab.world().await)
        .invariant(Invariant::new("panics", panics))
        .invariant(Invariant::new("low", no_over_refund).severity(Severity::Low))
        .config(venomqa::Config {
            expand_violating: true,
            max_depth: 4,
            ..Default::default()
        });
    let exploration = agent.explore().await.unwrap();
    let told = exploration.summary();
    let twice = "create_order -> refund_order -> refund_order";
    assert_eq!(
        found(&exploration),
        [
            "panics: create_order -> refund_order".to_owned(),
            format!("no_over_refund: {twice}"),
            format!("low: {twice}")
        ],
        "{told}"
    );
}

async fn quotes(api: &HttpClient, _: &Context) -> Verdict {
    let orders = api.get("/orders").send().await?;
    ensure!(
        orders.text() == "[]",
        "\u{1b}[2J{}\nok: all is well",
        orders.text()
    );
    Ok(())
}

#[tokio::test]
async fn what_a_rule_quotes_cannot_command_the_terminal() {
    let exploration = explore(Invariant::new("quotes", quotes)).await;
    let told = exploration.summary();
    assert!(!told.contains('\u{1b}'), "{told:?}");
    assert!(told.lines().all(|line| !line.starts_with("ok")), "{told}");
    assert_tells(&told, &["\\u{1b}[2J"]);
}
