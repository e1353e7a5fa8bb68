//! What is true of a machine, found by brute force: every (state, depth, calls) there is, no states merged.

use std::collections::{BTreeSet, VecDeque};

use crate::machine::{Machine, name};

/// What every exploration must find.
#[derive(Debug)]
pub(crate) struct Truth {
    pub(crate) states: u64,
    pub(crate) transitions: u64,
    pub(crate) shortest_violation: Option<usize>,
}

pub(crate) fn explore(machine: &Machine, max_depth: u32, expand_violating: bool) -> Truth {
    let start = (0, 0, vec![0; machine.actions.len()]);
    let mut shortest_violation = machine.bad[0].then_some(0);
    let mut queue = VecDeque::new();
    let mut seen = BTreeSet::new();
    if !machine.bad[0] || expand_violating {
        queue.push_back(start);
    }
    let (mut states, mut pairs) = (BTreeSet::from([0]), BTreeSet::new());
    while let Some((state, depth, calls)) = queue.pop_front() {
        if depth == max_depth || !seen.insert((state, depth, calls.clone())) {
            continue;
        }
        for action in 0..machine.actions.len() {
            if machine.actions[action]
                .max_calls
                .is_some_and(|most| calls[action] >= most)
            {
                continue;
            }
            let Some(next) = machine.step(state, action) else {
                continue;
            };
            states.insert(next);
            pairs.insert((state, action));
            if machine.bad[next] {
                shortest_violation.get_or_insert(depth as usize + 1);
            }
            if !machine.bad[next] || expand_violating {
                let mut calls = calls.clone();
                calls[action] += 1;
                queue.push_back((next, depth + 1, calls));
            }
        }
    }
    Truth {
        states: states.len() as u64,
        transitions: pairs.len() as u64,
        shortest_violation,
    }
}

/// Whether a sequence breaks the rule, and none of those with one step left out does.
pub(crate) fn is_minimal(machine: &Machine, sequence: &[String]) -> bool {
    let breaks = |sequence: &[String]| {
        let mut state = 0;
        let mut broken = machine.bad[0];
        for label in sequence {
            let action = (0..machine.actions.len())
                .find(|action| name(*action) == *label)
                .expect("a known action");
            match machine.step(state, action) {
                Some(next) => state = next,
                None => return broken,
            }
            broken |= machine.bad[state];
        }
        broken
    };
    let shorter =
        (0..sequence.len()).map(|skip| [&sequence[..skip], &sequence[skip + 1..]].concat());
    breaks(sequence) && !shorter.into_iter().any(|shorter| breaks(&shorter))
}
