use std::collections::HashSet;

use super::graph::EdgeId;
use super::ids::{ActionId, Pair, RuleId, StateId};
use super::subject::{ActionInfo, RuleInfo};

/// Everything that was seen broken, and what of it looks like a bug of its own.
#[derive(Debug)]
pub(super) struct Sightings {
    all: Vec<Sighting>,
    /// For each rule what was told to the observer: sequences none of which contains another that came before it.
    told: Vec<Vec<Told>>,
    /// States with a rule that was seen broken on the way to them: what breaks it further on is nothing new.
    tainted: HashSet<(StateId, RuleId)>,
    /// For each action its name as a number: instances with different arguments share it.
    names: Vec<u32>,
}

/// One broken rule at one place.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sighting {
    pub(super) place: Place,
    pub(super) rule: RuleId,
}

/// Where a rule is checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// In the initial state.
    Initial,
    /// In a restored state, before an action.
    Before(Pair),
    /// After an action.
    Edge(EdgeId),
}

/// A sequence as it was found, with the rule's words.
#[derive(Debug)]
pub(super) struct Told {
    pub(super) sequence: Vec<ActionId>,
    pub(super) message: String,
    pub(super) names: Names,
}

/// A sequence of actions, arguments left out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Names(Vec<u32>);

impl Sightings {
    pub(super) fn new(actions: &[ActionInfo], rules: &[RuleInfo]) -> Self {
        let mut known: Vec<&str> = Vec::new();
        let names = actions.iter().map(|action| {
            let found = known.iter().position(|name| *name == action.name);
            found.unwrap_or_else(|| {
                known.push(&action.name);
                known.len() - 1
            }) as u32
        });
        Self {
            names: names.collect(),
            all: Vec::new(),
            told: rules.iter().map(|_| Vec::new()).collect(),
            tainted: HashSet::new(),
        }
    }

    /// Adds a sighting on the way from one state to another, if that is already known to be nothing new. Returns whether it was.
    pub(super) fn add_known(
        &mut self,
        sighting: Sighting,
        from: Option<StateId>,
        to: Option<StateId>,
    ) -> bool {
        let known = from.is_some_and(|from| self.tainted.contains(&(from, sighting.rule)));
        if known {
            self.all.push(sighting);
        }
        self.tainted.extend(to.map(|to| (to, sighting.rule)));
        known
    }

    /// Adds a sighting. Returns whether its sequence contains none that was found before for the same rule.
    pub(super) fn add(&mut self, sighting: Sighting, sequence: &[ActionId], message: &str) -> bool {
        self.all.push(sighting);
        let names = self.names(sequence);
        let told = &mut self.told[sighting.rule.index()];
        let new = !told.iter().any(|earlier| names.contain(&earlier.names));
        if new {
            told.push(Told {
                sequence: sequence.to_vec(),
                message: message.into(),
                names,
            });
        }
        new
    }

    /// Whether a rule was seen broken at a place.
    pub(super) fn has(&self, place: Place, rule: RuleId) -> bool {
        self.all
            .iter()
            .any(|known| known.place == place && known.rule == rule)
    }

    pub(super) fn all(&self) -> &[Sighting] {
        &self.all
    }

    pub(super) fn told(&self, rule: RuleId) -> &[Told] {
        &self.told[rule.index()]
    }

    pub(super) fn names(&self, sequence: &[ActionId]) -> Names {
        Names(
            sequence
                .iter()
                .map(|action| self.names[action.index()])
                .collect(),
        )
    }
}

impl Names {
    /// Whether the other sequence is what remains of this one when some steps are left out.
    pub(super) fn contain(&self, other: &Self) -> bool {
        let mut own = self.0.iter();
        other
            .0
            .iter()
            .all(|name| own.any(|candidate| candidate == name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(whole: &[u32], part: &[u32], contains: bool) {
        assert_eq!(
            Names(whole.to_vec()).contain(&Names(part.to_vec())),
            contains
        );
    }

    #[test]
    fn a_sequence_contains_what_remains_when_steps_are_left_out() {
        check(&[1, 2, 3], &[1, 3], true);
        check(&[1, 2, 3], &[], true);
        check(&[1, 2, 3], &[3, 1], false);
        check(&[1, 2], &[1, 1], false);
        check(&[1, 2, 1], &[1, 1], true);
    }
}
