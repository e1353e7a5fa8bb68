use std::time::Duration;

use venomqa::prelude::*;
use venomqa::{Config, StrategyKind};

use crate::lab::{Lab, found, shop, write_note};

/// All that a run tells, apart from times and the port.
async fn result(strategy: StrategyKind, max_steps: Option<u64>) -> serde_json::Value {
    let lab = Lab::new("limit=2 second_refund=allowed");
    let config = Config {
        strategy,
        max_steps,
        seed: 7,
        max_depth: 4,
        ..Config::default()
    };
    let agent = shop(lab.world().await)
        .action(Action::new("write_note", write_note).weight(3))
        .config(config);
    let mut exploration = agent.explore().await.unwrap();
    assert!(
        !found(&exploration).is_empty() || max_steps.is_some(),
        "{}",
        exploration.summary()
    );
    exploration.elapsed = Duration::ZERO;
    for step in exploration
        .violations
        .iter_mut()
        .flat_map(|violation| &mut violation.sequence)
    {
        step.elapsed = Duration::ZERO;
    }
    let mut told = serde_json::to_value(&exploration).unwrap();
    settle(&mut told, &lab.database().display().to_string());
    told
}

/// Takes out what differs between two servers: times, ports, files.
fn settle(told: &mut serde_json::Value, file: &str) {
    match told {
        serde_json::Value::Object(members) => {
            members.remove("elapsed_micros");
            members.remove("url");
            members.values_mut().for_each(|member| settle(member, file));
        }
        serde_json::Value::Array(items) => items.iter_mut().for_each(|item| settle(item, file)),
        serde_json::Value::String(text) => *text = text.replace(file, "shop.db"),
        _ => {}
    }
}

const ALL: [StrategyKind; 5] = [
    StrategyKind::Bfs,
    StrategyKind::Dfs,
    StrategyKind::CoverageGuided,
    StrategyKind::Random,
    StrategyKind::Weighted,
];

#[tokio::test]
async fn the_same_run_twice_tells_the_same_whatever_the_strategy() {
    for strategy in ALL {
        for max_steps in [None, Some(9)] {
            let (one, other) = (
                result(strategy, max_steps).await,
                result(strategy, max_steps).await,
            );
            assert_eq!(one, other, "{strategy:?}");
        }
    }
}

#[tokio::test]
async fn every_strategy_finds_the_same_in_the_same_states() {
    let mut all = Vec::new();
    for strategy in ALL {
        let told = result(strategy, None).await;
        let part = |name: &str| told[name].clone();
        all.push((
            strategy,
            [
                part("states_visited"),
                part("transitions"),
                part("violations"),
                part("depth"),
            ],
        ));
    }
    for (strategy, told) in &all {
        assert_eq!(*told, all[0].1, "{strategy:?}");
    }
}
