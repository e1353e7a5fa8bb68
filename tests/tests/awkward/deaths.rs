use venomqa::Ended;
use venomqa::prelude::*;

use crate::lab::{
    Lab, assert_clean, assert_tells, create_order, error_of, found, no_over_refund, refund_order,
    shop, write_note,
};

#[tokio::test]
async fn a_well_behaved_server_is_explored_cleanly() {
    let exploration = shop(Lab::new("").world().await).explore().await.unwrap();
    assert_clean(&exploration);
    // Nothing, an order, a refunded one, and an order deleted.
    assert_eq!(exploration.states_visited, 4, "{}", exploration.summary());
    assert_eq!(exploration.ended, Ended::Complete);
}

/// Whatever way it dies on the second refund, that is one confirmed finding with the shortest sequence, and exploring goes on.
async fn check_death(mishap: &str, how: &str, last_words: &str) {
    let lab = Lab::new(&format!("second_refund={mishap} limit=2"));
    let agent = shop(lab.world().await).action(Action::new("write_note", write_note));
    let exploration = agent.explore().await.unwrap();
    let told = exploration.summary();
    assert_eq!(
        found(&exploration),
        ["no_crash: create_order -> refund_order -> refund_order"],
        "{told}"
    );
    let violation = &exploration.violations[0];
    assert_tells(&violation.message, &[how]);
    assert_tells(&violation.logs, &[last_words]);
    assert!(violation.occurrences > 1, "{told}");
    assert_eq!(exploration.ended, Ended::Complete, "{told}");
    assert_eq!(exploration.shortcomings(), [""; 0], "{told}");
    assert!(exploration.diverged.is_empty(), "{told}");
}

#[tokio::test]
async fn an_abort_is_a_finding_with_the_last_words_of_the_server() {
    check_death(
        "abort",
        "killed by signal 6 (SIGABRT)",
        "attempt to subtract with overflow",
    )
    .await;
}

#[tokio::test]
async fn an_exit_is_a_finding_with_the_last_words_of_the_server() {
    check_death("exit", "exited with code 3", "fatal: ledger out of balance").await;
}

#[tokio::test]
async fn a_server_that_dies_after_it_has_answered_is_a_finding_of_that_sequence() {
    check_death(
        "late_exit",
        "exited with code 3",
        "fatal: ledger out of balance",
    )
    .await;
}

#[tokio::test]
async fn a_late_death_is_a_finding_also_where_no_rule_looks() {
    let lab = Lab::new("second_refund=late_exit");
    let agent = Agent::new(lab.world().await)
        .action(Action::new("create_order", create_order))
        .action(Action::new("refund_order", refund_order));
    let exploration = agent.explore().await.unwrap();
    let told = exploration.summary();
    assert_eq!(
        found(&exploration),
        ["no_crash: create_order -> refund_order -> refund_order"],
        "{told}"
    );
    assert_eq!(exploration.ended, Ended::Complete, "{told}");
}

#[tokio::test]
async fn a_death_by_the_very_last_call_is_told_once() {
    let lab = Lab::new("second_refund=exit");
    let agent = Agent::new(lab.world().await)
        .action(Action::new("create_order", create_order))
        .action(Action::new("refund_order", refund_order))
        .invariant(Invariant::new("no_over_refund", no_over_refund));
    let exploration = agent.max_depth(3).explore().await.unwrap();
    let told = exploration.summary();
    assert_eq!(
        found(&exploration),
        ["no_crash: create_order -> refund_order -> refund_order"],
        "{told}"
    );
    assert_eq!(exploration.violations[0].occurrences, 1, "{told}");
}

async fn all_orders(api: HttpClient) -> Result<serde_json::Value> {
    api.get("/orders").send().await?.json()
}

#[tokio::test]
async fn a_death_that_is_noticed_by_observing_is_a_finding_of_the_step_before() {
    let lab = Lab::new("second_refund=late_exit");
    let world = lab.world().await.observe(all_orders);
    let exploration = shop(world).explore().await.unwrap();
    let told = exploration.summary();
    assert_eq!(
        found(&exploration),
        ["no_crash: create_order -> refund_order -> refund_order"],
        "{told}"
    );
    assert_eq!(exploration.ended, Ended::Complete, "{told}");
}

async fn no_orders(api: &HttpClient, _: &Context) -> Verdict {
    let orders = api.get("/orders").send().await?.json()?;
    ensure!(orders.as_array().is_some_and(Vec::is_empty), "an order");
    Ok(())
}

#[tokio::test]
async fn what_was_found_before_a_server_died_for_good_is_kept() {
    let lab = Lab::new("second_refund=exit start=once");
    let mut agent = shop(lab.world().await).invariant(Invariant::new("no_orders", no_orders));
    agent = agent.config(venomqa::Config {
        expand_violating: true,
        ..Default::default()
    });
    let exploration = agent.explore().await.unwrap();
    let told = exploration.summary();
    let (message, _, _) = error_of(&exploration);
    assert_tells(
        message,
        &[
            "awkward",
            "exited with code 4",
            "lock file of the last start",
        ],
    );
    let sequences = found(&exploration);
    assert!(
        sequences
            .iter()
            .any(|text| text.starts_with("no_orders: create_order")),
        "{told}"
    );
    assert!(
        sequences
            .iter()
            .any(|text| text.starts_with("no_crash: create_order -> refund_order -> refund_order")),
        "{told}"
    );
    assert!(!exploration.shortcomings().is_empty(), "{told}");
}

#[tokio::test]
async fn the_death_of_a_server_that_is_not_ours_ends_the_exploration_with_its_sequence() {
    let lab = Lab::new("second_refund=exit");
    let (server, world) = lab.apart().await;
    let mut agent = shop(world).invariant(Invariant::new("no_orders", no_orders));
    agent = agent.config(venomqa::Config {
        expand_violating: true,
        ..Default::default()
    });
    let exploration = agent.explore().await.unwrap();
    let told = exploration.summary();
    let (message, sequence, _) = error_of(&exploration);
    assert_tells(message, &["POST", "/refund", "no answer from the API"]);
    assert_eq!(
        sequence,
        ["create_order", "refund_order", "refund_order"],
        "{told}"
    );
    // It cannot be confirmed any more, and is told all the same.
    assert_eq!(
        found(&exploration),
        ["no_orders: create_order (unconfirmed)"],
        "{told}"
    );
    drop(server);
}

async fn rude(api: &HttpClient, _: &Context) -> Verdict {
    let orders = api.get("/orders").send().await?.json()?;
    if orders[0]["refunded"] == 100 {
        api.post("/die").send().await?;
    }
    Ok(())
}

#[tokio::test]
async fn a_rule_that_brings_the_server_down_is_a_finding_too() {
    let lab = Lab::new("");
    let agent = shop(lab.world().await).invariant(Invariant::new("rude", rude));
    let exploration = agent.explore().await.unwrap();
    let told = exploration.summary();
    assert_eq!(
        found(&exploration),
        ["no_crash: create_order -> refund_order"],
        "{told}"
    );
    assert_tells(
        &exploration.violations[0].message,
        &["exited with code 3", "while rules were checked"],
    );
    assert_eq!(exploration.ended, Ended::Complete, "{told}");
}

#[tokio::test]
async fn a_server_that_is_dead_before_the_first_step_is_an_error_and_not_a_result() {
    let lab = Lab::new("");
    let (server, world) = lab.apart().await;
    server.stop().await.unwrap();
    let agent = Agent::new(world)
        .action(Action::new("write_note", write_note))
        .invariant(Invariant::new("no_over_refund", no_over_refund));
    let exploration = agent.explore().await.unwrap();
    let (message, sequence, _) = error_of(&exploration);
    assert_tells(message, &["no answer from the API"]);
    assert_eq!(sequence, ["write_note"]);
    assert_eq!(exploration.rules[0].checks, 0, "{}", exploration.summary());
}

#[tokio::test]
async fn a_replay_ends_where_the_server_dies_and_tells_its_last_words() {
    let lab = Lab::new("second_refund=exit");
    let sequence = [
        "create_order",
        "refund_order",
        "refund_order",
        "delete_order",
    ];
    let replay = shop(lab.world().await).replay(sequence).await.unwrap();
    assert_eq!(
        (replay.steps.len(), replay.broken.len()),
        (3, 1),
        "{replay:?}"
    );
    assert_eq!(
        (replay.broken[0].rule.as_str(), replay.broken[0].after),
        ("no_crash", 3)
    );
    assert_tells(
        replay.stopped.as_deref().unwrap(),
        &["step 3", "the server died"],
    );
    assert_tells(&replay.logs, &["fatal: ledger out of balance"]);

    let lab = Lab::new("");
    let agent = shop(lab.world().await).invariant(Invariant::new("rude", rude));
    let replay = agent.replay(&sequence[..3]).await.unwrap();
    assert_eq!(
        (replay.steps.len(), replay.broken.len()),
        (2, 1),
        "{replay:?}"
    );
    assert_tells(
        replay.stopped.as_deref().unwrap(),
        &["after step 2", "the server died"],
    );
}
