//! What environment variables change.

use crate::fixture::Fixture;

#[test]
fn a_bad_value_ends_with_2_before_anything_runs() {
    for (variable, value) in [
        ("VENOMQA_MAX_STEPS", "many"),
        ("VENOMQA_MAX_DEPTH", "-1"),
        ("VENOMQA_BUDGET", "30"),
        ("VENOMQA_SEED", "x"),
        ("VENOMQA_STRATEGY", "best"),
        ("VENOMQA_REPLAY", "a,,b"),
        ("VENOMQA_UPDATE", "maybe"),
    ] {
        let fixture = Fixture::orders().with(variable, value);
        let run = fixture.run("").ends_with(2);
        let said = format!("error: {variable} is `{value}`, it should be ");
        assert!(run.stderr.starts_with(&said), "{}", run.stderr);
        assert!(fixture.worlds().is_empty());
    }
}

#[test]
fn limits_reach_the_exploration() {
    let fixture = Fixture::orders()
        .with("VENOMQA_MAX_DEPTH", "2")
        .with("VENOMQA_BUDGET", "10s")
        .with("VENOMQA_STRATEGY", "dfs");
    let run = fixture.run("orders").ends_with(0);
    assert!(run.stderr.contains("complete to depth 2"), "{}", run.stderr);
    let fixture = Fixture::orders().with("VENOMQA_MAX_STEPS", "1");
    let run = fixture.run("users").ends_with(0);
    assert!(run.stderr.contains("users: 2 states"), "{}", run.stderr);
}

#[test]
fn a_replay_executes_that_sequence_only_and_shows_every_step() {
    let sequence = "create_order[amount=100],refund_order,refund_order";
    let fixture = Fixture::orders().with("VENOMQA_REPLAY", sequence);
    let run = fixture.run("orders::explore").ends_with(101);
    assert_eq!(run.results(), ["orders::explore FAILED"]);
    insta::assert_snapshot!(run.stderr);
    assert_eq!(fixture.worlds(), ["orders"]);
    assert!(fixture.files("venomqa-regressions").is_empty());
}

#[test]
fn a_replay_that_breaks_nothing_is_green() {
    let fixture = Fixture::orders().with("VENOMQA_REPLAY", "create_order[amount=0],refund_order");
    let run = fixture.run("").ends_with(0);
    // Only `orders` has these actions.
    assert_eq!(
        run.results(),
        [
            "orders::explore ok",
            "orders::no_over_refund ok",
            "orders::orders_have_ids ok"
        ]
    );
    assert!(run.stderr.contains("all rules hold"), "{}", run.stderr);
    let fixture = Fixture::orders().with("VENOMQA_REPLAY", "initial_state");
    fixture.run("orders::explore").ends_with(0);
}

#[test]
fn a_replay_that_proves_nothing_is_red() {
    let fixture = Fixture::orders().with("VENOMQA_REPLAY", "refund_order");
    let run = fixture.run("orders::explore").ends_with(101);
    assert!(run.stdout.contains("does not apply"), "{}", run.stdout);
    let fixture = Fixture::orders().with("VENOMQA_REPLAY", "create_orders");
    let run = fixture.run("orders").ends_with(2);
    assert!(
        run.stderr.contains(
            "suite `orders` has no action `create_orders`; it has create_order[amount=0], "
        ),
        "{}",
        run.stderr
    );
    assert!(fixture.worlds().is_empty());
}
