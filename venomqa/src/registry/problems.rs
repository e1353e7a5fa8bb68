use std::collections::{BTreeMap, BTreeSet};

use super::{Place, Suite};
use crate::{Error, Result};

/// What is wrong with what was registered, collected so that all of it is told at once.
#[derive(Default)]
pub(super) struct Problems(Vec<String>);

impl Problems {
    pub(super) fn no_exploration(&mut self, functions: usize) {
        self.0.push(if functions == 0 {
            "nothing is registered: there is no `#[exploration]` in this test target; \
             if they stand in another crate, add `use my_crate as _;`, or it is not linked"
                .into()
        } else {
            format!(
                "there is no `#[exploration]`, but {functions} actions and invariants: add \
                 `#[exploration] async fn my_suite() -> Result<World>` to this test target; \
                 if it stands in another crate, add `use my_crate as _;`"
            )
        });
    }

    pub(super) fn orphan(&mut self, kind: &str, name: &str, place: Place) {
        self.0.push(format!(
            "{kind} `{name}` ({}) belongs to no suite: no `#[exploration]` stands in `{}` or in a module above it",
            place.shown(),
            place.module,
        ));
    }

    pub(super) fn twice(&mut self, kind: &str, named: impl Iterator<Item = (&'static str, Place)>) {
        let mut seen = BTreeMap::new();
        for (name, place) in named {
            if let Some(first) = seen.insert(name, place) {
                self.0.push(format!(
                    "two {kind}s are named `{name}`: {} and {}; rename one, or give it a `name = \"...\"`",
                    first.shown(),
                    place.shown(),
                ));
            }
        }
    }

    pub(super) fn of_suite(&mut self, suite: &Suite) {
        let (name, place) = (suite.name(), suite.exploration.place.shown());
        if suite.actions.is_empty() {
            self.0.push(format!(
                "suite `{name}` ({place}) has no actions: write an `#[action]` in `{}` or below; \
                 if they stand in another crate together with their exploration, add `use my_crate as _;`",
                suite.exploration.place.module,
            ));
        }
        self.twice("action", suite.actions.iter().map(|a| (a.name, a.place)));
        self.twice(
            "invariant",
            suite.invariants.iter().map(|i| (i.name, i.place)),
        );
        for entry in &suite.actions {
            for argument in entry.arguments {
                let mut values = argument.values.to_vec();
                values.sort_unstable();
                if let Some(pair) = values.windows(2).find(|pair| pair[0] == pair[1]) {
                    self.0.push(format!(
                        "action `{}` ({}) has the value `{}` twice for `{}`",
                        entry.name,
                        entry.place.shown(),
                        pair[0],
                        argument.name,
                    ));
                }
            }
        }
    }

    pub(super) fn into_result(mut self) -> Result<()> {
        // Explorations that share a module share their functions, and so the problems of these.
        let mut seen = BTreeSet::new();
        self.0.retain(|problem| seen.insert(problem.clone()));
        if self.0.is_empty() {
            Ok(())
        } else {
            Err(Error::set_up(self.0.join("\n")))
        }
    }
}
