use std::process::Command;

use venomqa::prelude::*;
use venomqa::{Event, Exploration};

use crate::lab::{
    Lab, assert_clean, assert_tells, create_order, found, no_over_refund, refund_order, ship_order,
    shop, write_note,
};

fn shipping(world: World) -> Agent {
    Agent::new(world)
        .action(Action::new("create_order", create_order))
        .action(Action::new("ship_order", ship_order))
        .action(Action::new("refund_order", refund_order))
        .action(Action::new("write_note", write_note))
        .invariant(Invariant::new("no_over_refund", no_over_refund))
        .max_depth(5)
}

/// Nothing, or an order that is shipped or not and refunded or not; each with a note or without.
const TRUE_STATES: u64 = 10;

#[tokio::test]
async fn what_the_server_commits_after_it_has_answered_is_noticed() {
    let lab = Lab::new("ship_after_ms=50 limit=3 many_notes");
    let exploration = shipping(lab.world().await).explore().await.unwrap();
    let told = exploration.summary();
    // Whether a late commit falls between two steps or into another one is a matter of time: either is told, with the remedy.
    let between = told.contains("shipped 0 -> 1");
    assert!(between || !exploration.diverged.is_empty(), "{told}");
    assert_tells(&told, &["`quiet_when`"]);
    // Rules that only read are not accused.
    assert!(!told.contains("rule `no_over_refund` changes"), "{told}");
}

async fn is_idle(api: HttpClient) -> Result<bool> {
    Ok(api.get("/jobs").send().await?.json()? == 0)
}

#[tokio::test]
async fn with_quiet_when_the_late_commit_belongs_to_its_step() {
    let lab = Lab::new("ship_after_ms=50");
    let world = lab.world().await.quiet_when(is_idle);
    let exploration = shipping(world).explore().await.unwrap();
    assert_clean(&exploration);
    assert_eq!(
        exploration.states_visited,
        TRUE_STATES,
        "{}",
        exploration.summary()
    );
}

/// Explores while somebody else writes to the database, once, between two steps.
async fn explore_disturbed(lab: &Lab, agent: Agent) -> Exploration {
    let database = lab.database();
    let mut steps = 0;
    let disturb = move |event: &Event<'_>| {
        if matches!(event, Event::Progress { .. }) {
            steps += 1;
            if steps == 3 {
                let mut write = Command::new(env!("CARGO_BIN_EXE_awkward"));
                assert!(
                    write
                        .arg("write")
                        .arg(&database)
                        .status()
                        .unwrap()
                        .success()
                );
            }
        }
    };
    agent.observer(disturb).explore().await.unwrap()
}

#[tokio::test]
async fn what_somebody_else_writes_is_reported_and_undone() {
    let lab = Lab::new("");
    let calm = shop(lab.world().await).explore().await.unwrap();
    assert_clean(&calm);

    let lab = Lab::new("");
    let agent = shop(lab.world().await);
    let disturbed = explore_disturbed(&lab, agent).await;
    let told = disturbed.summary();
    assert_tells(
        &told,
        &["foreign writes: once", "notes#1 added", "from outside"],
    );
    assert_eq!(disturbed.states_visited, calm.states_visited, "{told}");
    assert_eq!(disturbed.transitions, calm.transitions, "{told}");
    assert_eq!(found(&disturbed), [""; 0]);
}

async fn meddles(api: &HttpClient, _: &Context) -> Verdict {
    api.post("/notes").send().await?;
    Ok(())
}

async fn meddles_once(api: &HttpClient, _: &Context) -> Verdict {
    let orders = api.get("/orders").send().await?.json()?;
    if orders[0]["refunded"] == 100 {
        api.post("/notes").send().await?;
    }
    Ok(())
}

/// A rule that changes data is named, and makes no difference to the graph, whatever other rules there are.
async fn check_meddling(rule: Invariant, name: &str) {
    let lab = Lab::new("");
    let calm = shop(lab.world().await).explore().await.unwrap();
    for alone in [true, false] {
        let lab = Lab::new("");
        let mut agent = Agent::new(lab.world().await)
            .action(Action::new("create_order", create_order))
            .action(Action::new("refund_order", refund_order))
            .action(Action::new("delete_order", crate::lab::delete_order))
            .max_depth(5);
        if !alone {
            agent = agent.invariant(Invariant::new("no_over_refund", no_over_refund));
        }
        let exploration = agent.invariant(rule.clone()).explore().await.unwrap();
        let told = exploration.summary();
        assert_tells(
            &told,
            &[
                &format!("`{name}`"),
                "changes data",
                "undone",
                "notes#1 added",
            ],
        );
        assert_eq!(exploration.states_visited, calm.states_visited, "{told}");
        assert_eq!(exploration.transitions, calm.transitions, "{told}");
        assert!(exploration.diverged.is_empty(), "{told}");
        assert!(!told.contains("foreign"), "{told}");
        assert_eq!(found(&exploration), [""; 0], "{told}");
    }
}

#[tokio::test]
async fn a_rule_that_changes_data_is_named_and_undone() {
    check_meddling(Invariant::new("meddles", meddles), "meddles").await;
}

#[tokio::test]
async fn a_rule_that_changes_data_in_one_state_only_is_named_and_undone() {
    check_meddling(Invariant::new("meddles_once", meddles_once), "meddles_once").await;
}

#[tokio::test]
async fn a_rule_that_changes_data_before_the_action_is_named_and_undone() {
    check_meddling(
        Invariant::new("meddles", meddles).when(When::Both),
        "meddles",
    )
    .await;
}

async fn an_order_can_be_made(api: &HttpClient, _: &Context) -> Verdict {
    let made = api.post("/orders").send().await?;
    ensure!(made.is_success(), "{made:?}");
    Ok(())
}

#[tokio::test]
async fn what_a_rule_changes_is_undone_also_where_a_finding_is_executed_again() {
    let lab = Lab::new("limit=2");
    let rule = Invariant::new("an_order_can_be_made", an_order_can_be_made);
    let exploration = shop(lab.world().await)
        .invariant(rule.clone())
        .explore()
        .await
        .unwrap();
    let told = exploration.summary();
    assert_eq!(
        found(&exploration),
        ["an_order_can_be_made: create_order -> create_order"],
        "{told}"
    );
    for step in &exploration.violations[0].sequence {
        assert_eq!(step.status, Some(201), "{told}");
    }

    let lab = Lab::new("limit=2");
    let replay = shop(lab.world().await)
        .invariant(rule)
        .replay(["create_order", "create_order"])
        .await
        .unwrap();
    assert_eq!(replay.broken.len(), 1, "{replay:?}");
    assert_eq!(
        (replay.broken[0].after, replay.steps[1].status),
        (2, Some(201))
    );
}
