//! Every strategy, on every kind of system, agrees with a brute-force oracle on random small machines.

mod machine;
mod oracle;
mod system;

use std::collections::BTreeSet;

use proptest::prelude::*;
use venomqa::prelude::*;
use venomqa::{Config, Exploration, StrategyKind};

use machine::Machine;
use system::{Limited, Reach};

const STRATEGIES: [StrategyKind; 5] = [
    StrategyKind::Bfs,
    StrategyKind::Dfs,
    StrategyKind::CoverageGuided,
    StrategyKind::Random,
    StrategyKind::Weighted,
];

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_strategy_on_every_kind_of_system_agrees_with_the_oracle(
        machine in machine::any(),
        max_depth in 0_u32..=5,
        expand_violating: bool,
        seed: u64,
    ) {
        let truth = oracle::explore(&machine, max_depth, expand_violating);
        let mut reported: Option<BTreeSet<Vec<String>>> = None;
        for strategy in STRATEGIES {
            for (reach, memory) in [(Reach::Anywhere, usize::MAX), (Reach::Stack, usize::MAX), (Reach::Root, usize::MAX), (Reach::Anywhere, 0)] {
                let config = Config { strategy, max_depth, expand_violating, seed, budget: None, ..Config::default() };
                let found = explore(&machine, config, reach, memory);
                let case = format!("{strategy:?} on {reach:?}, memory {memory}");
                prop_assert_eq!(found.states_visited, truth.states, "states: {}", case);
                prop_assert_eq!(found.transitions, truth.transitions, "transitions: {}", case);
                prop_assert!(found.diverged.is_empty(), "diverged: {}", case);
                prop_assert_eq!(found.pairs_left, 0);

                let sequences: BTreeSet<_> = found.violations.iter().map(|violation| violation.labels()).collect();
                prop_assert!(found.violations.iter().all(|violation| violation.is_confirmed()), "{}", case);
                for sequence in &sequences {
                    prop_assert!(oracle::is_minimal(&machine, sequence), "{:?} is not minimal: {}", sequence, case);
                }
                let shortest = sequences.iter().map(Vec::len).min();
                prop_assert_eq!(shortest, truth.shortest_violation, "shortest: {}", case);
                let same = reported.get_or_insert_with(|| sequences.clone());
                prop_assert_eq!(&*same, &sequences, "violations: {}", case);
            }
        }
    }
}

fn explore(machine: &Machine, config: Config, reach: Reach, memory: usize) -> Exploration {
    let world = World::without_api()
        .with("left", Limited::new(reach))
        .with("right", Limited::new(Reach::Anywhere))
        .memory_limit(memory);
    let mut agent = Agent::new(world).config(config).invariant(machine.rule());
    for action in machine.actions() {
        agent = agent.action(action);
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(agent.explore()).unwrap()
}
