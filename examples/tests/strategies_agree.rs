//! Every strategy explores the same of the orders machine, and all there is: the figures are exact, worked out by hand.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::{Arc, Mutex};

use venomqa::adapters::Value;
use venomqa::prelude::*;
use venomqa::{Checked, Config, Ended, Exploration, Parts, StrategyKind};
use venomqa_examples::orders_machine::{everything, http, memory};

const STRATEGIES: [StrategyKind; 5] = [
    StrategyKind::Bfs,
    StrategyKind::Dfs,
    StrategyKind::CoverageGuided,
    StrategyKind::Random,
    StrategyKind::Weighted,
];

/// What there is to be found with so many orders.
#[derive(Debug, PartialEq, Eq)]
struct Figures {
    states: u64,
    transitions: u64,
    depth: u32,
    /// The states in which more was refunded than paid.
    violating: usize,
}

#[tokio::test]
async fn without_limits_everything_there_is() {
    let two = Figures {
        states: 57,
        transitions: 513,
        depth: 8,
        violating: 14,
    };
    let three = Figures {
        states: 400,
        transitions: 5200,
        depth: 12,
        violating: 141,
    };
    for strategy in STRATEGIES {
        check(strategy, 2, &two).await;
        check(strategy, 3, &three).await;
    }
}

async fn check(strategy: StrategyKind, orders: u32, expected: &Figures) {
    let case = format!("{strategy:?}, {orders} orders");
    let config = Config {
        strategy,
        ..everything()
    };
    let violating = Violating::default();
    let agent = memory::agent(orders).config(config);
    let found = agent.invariant(violating.recorder()).explore().await;
    let found = found.unwrap();
    check_violation(&found, &case);
    let figures = Figures {
        states: found.states_visited,
        transitions: found.transitions,
        depth: found.depth,
        violating: violating.count(),
    };
    assert_eq!(figures, *expected, "{case}");
}

#[tokio::test]
async fn within_a_depth_everything_that_lies_within() {
    for (orders, max_depth, states) in [(2, 4, 23), (2, 6, 50), (3, 6, 125), (3, 8, 291)] {
        let mut transitions = None;
        for strategy in STRATEGIES {
            let case = format!("{strategy:?}, {orders} orders to depth {max_depth}");
            let config = Config {
                strategy,
                max_depth,
                ..everything()
            };
            let found = memory::agent(orders).config(config).explore().await;
            let found = found.unwrap();
            check_violation(&found, &case);
            assert_eq!(found.states_visited, states, "{case}");
            assert_eq!(found.depth, max_depth, "{case}");
            let same = *transitions.get_or_insert(found.transitions);
            assert_eq!(found.transitions, same, "{case}");
        }
    }
}

#[tokio::test]
async fn over_http_the_same_as_in_memory() {
    for strategy in [StrategyKind::Bfs, StrategyKind::Dfs] {
        let folder = tempfile::tempdir().unwrap();
        let config = Config {
            strategy,
            ..everything()
        };
        let program = Path::new(env!("CARGO_BIN_EXE_orders"));
        let file = folder.path().join("orders.db");
        let world = http::world(program, &file, 2).await.unwrap();
        let found = http::agent(world, 2)
            .config(config)
            .explore()
            .await
            .unwrap();
        let case = format!("{strategy:?}");
        check_violation(&found, &case);
        let figures = (found.states_visited, found.transitions, found.depth);
        assert_eq!(figures, (57, 513, 8), "{case}");
    }
}

/// It ran to its end, and the one bug is one violation, with the shortest sequence.
#[track_caller]
fn check_violation(found: &Exploration, case: &str) {
    assert_eq!(found.ended, Ended::Complete, "{case}");
    assert_eq!(found.shortcomings(), [""; 0], "{case}");
    assert!(found.diverged.is_empty(), "{case}: {:?}", found.diverged);
    let [violation] = &*found.violations else {
        panic!("{case}: {}", found.summary());
    };
    assert_eq!(violation.rule, "never_refunded_more_than_paid", "{case}");
    assert_eq!(violation.path(), "create-pay-refund-cancel", "{case}");
    assert!(violation.is_confirmed(), "{case}: {violation:?}");
}

/// The violating states that were seen, by all that is in them.
#[derive(Clone, Default)]
struct Violating(Arc<Mutex<BTreeSet<String>>>);

impl Violating {
    /// A rule that is never broken and looks at every state that is reached.
    fn recorder(&self) -> Invariant {
        let states = self.clone();
        Invariant::of_parts("recorder", move |parts: Parts<'_>| {
            let db = parts.world().system::<MockSystem>(None).unwrap();
            let orders = db.rows("orders").unwrap();
            let int = |value: &Value| match value {
                Value::Int(value) => *value,
                other => panic!("no whole number: {other:?}"),
            };
            if orders.iter().any(|order| int(&order[3]) > int(&order[2])) {
                states.0.lock().unwrap().insert(format!("{orders:?}"));
            }
            Box::pin(std::future::ready(Checked::Held))
        })
    }

    fn count(&self) -> usize {
        self.0.lock().unwrap().len()
    }
}
