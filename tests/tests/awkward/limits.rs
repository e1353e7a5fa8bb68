use std::time::Duration;

use venomqa::prelude::*;
use venomqa::{Config, Ended, Exploration};

use crate::lab::{Lab, assert_tells, found, shop, write_note};

async fn explore(config: Config) -> Exploration {
    let lab = Lab::new("limit=3 many_notes");
    let agent = shop(lab.world().await)
        .action(Action::new("write_note", write_note))
        .config(config);
    agent.explore().await.unwrap()
}

/// A limit is printed; it is red only if everything was asked for.
async fn check(config: Config, ended: &Ended, phrase: &str) {
    for complete in [false, true] {
        let exploration = explore(Config {
            complete,
            ..config.clone()
        })
        .await;
        let told = exploration.summary();
        assert_eq!(exploration.ended, *ended, "{told}");
        assert_tells(&told, &[phrase]);
        assert!(exploration.pairs_left > 0, "{told}");
        let red = exploration.shortcomings().join("\n");
        if complete {
            assert_tells(&red, &["`complete = true`, but", phrase, "were not tried"]);
        } else {
            assert_eq!(red, "", "{told}");
        }
        assert_eq!(found(&exploration), [""; 0], "{told}");
    }
}

#[tokio::test]
async fn a_limit_of_steps_is_green_unless_everything_was_asked_for() {
    let config = Config {
        max_steps: Some(12),
        max_depth: 6,
        ..Config::default()
    };
    check(
        config,
        &Ended::MaxSteps,
        "stopped after 12 transitions (max_steps)",
    )
    .await;
}

#[tokio::test]
async fn a_budget_is_green_unless_everything_was_asked_for() {
    let config = Config {
        budget: Some(Duration::from_millis(300)),
        max_depth: 12,
        ..Config::default()
    };
    check(config, &Ended::Budget, "stopped after 300ms (budget)").await;
}

#[tokio::test]
async fn what_a_budget_keeps_from_its_turn_is_not_green() {
    let exploration = explore(Config {
        budget: Some(Duration::ZERO),
        ..Config::default()
    })
    .await;
    assert_eq!(exploration.ended, Ended::Budget);
    let names = "never tried: `create_order`, `refund_order`, `delete_order`, `write_note`";
    assert_tells(
        &exploration.shortcomings().join("\n"),
        &[names, "a limit was reached"],
    );
}

#[tokio::test]
async fn all_within_the_depth_is_complete_and_the_depth_is_printed() {
    let exploration = explore(Config {
        max_depth: 2,
        complete: true,
        ..Config::default()
    })
    .await;
    let told = exploration.summary();
    assert_eq!(exploration.ended, Ended::Complete);
    assert_eq!(exploration.shortcomings(), [""; 0], "{told}");
    assert_eq!(
        (exploration.depth, exploration.pairs_left),
        (2, 0),
        "{told}"
    );
    assert_tells(
        &told,
        &["complete to depth 2", "states lie at the depth limit of 2"],
    );
}

#[tokio::test]
async fn states_that_cannot_be_reached_again_are_not_complete() {
    let lab = Lab::new("count_ids limit=2");
    let config = Config {
        complete: true,
        max_depth: 3,
        ..Config::default()
    };
    let exploration = shop(lab.world().await)
        .config(config)
        .explore()
        .await
        .unwrap();
    assert_tells(
        &exploration.shortcomings().join("\n"),
        &["`complete = true`, but", "states diverged"],
    );
}
