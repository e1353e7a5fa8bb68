use std::collections::BTreeMap;
use std::mem;

use venomqa_adapters::RowChange;

use crate::Invariant;
use crate::explorer::RuleId;

/// Finds out who changes data outside of an action: a rule, or somebody from outside.
///
/// Asking the systems after every single rule would cost a round trip each. So they are asked once after all rules; only when that shows
/// a change, they are asked after each rule from then on.
#[derive(Debug, Default)]
pub(super) struct Suspects {
    watching: bool,
    /// The rules checked since the last settling.
    checked: Vec<RuleId>,
    /// Changes that were seen before it was watched who makes them: under suspicion are these rules.
    unexplained: Option<(Vec<RuleId>, String)>,
    /// For each rule that was caught what it changed the first time.
    rules: BTreeMap<String, String>,
    /// What came from outside the first time, and how often.
    foreign: Option<(String, u64)>,
}

impl Suspects {
    pub(super) fn is_watching(&self) -> bool {
        self.watching
    }

    pub(super) fn checked(&mut self, rule: RuleId) {
        self.checked.push(rule);
    }

    /// Compares the changes known with those now, while rules are watched one by one. Returns whether they are the same.
    pub(super) fn compare(
        &mut self,
        rule: Option<&str>,
        known: &mut Vec<Vec<RowChange>>,
        now: Vec<Vec<RowChange>>,
    ) -> bool {
        let Some(example) = difference(known, &now) else {
            return true;
        };
        *known = now;
        match rule {
            Some(rule) => drop(self.rules.entry(rule.into()).or_insert(example)),
            None => self.foreign(example),
        }
        false
    }

    /// Takes the look after all rules. Returns whether everything is as the action left it.
    pub(super) fn settle(
        &mut self,
        known: &mut Vec<Vec<RowChange>>,
        now: Vec<Vec<RowChange>>,
        rules: &[Invariant],
    ) -> bool {
        let checked = mem::take(&mut self.checked);
        if self.watching {
            let caught = checked
                .iter()
                .any(|rule| self.rules.contains_key(&rules[rule.index()].name));
            return self.compare(None, known, now) && !caught;
        }
        let Some(example) = difference(known, &now) else {
            return true;
        };
        *known = now;
        match checked.as_slice() {
            [only] => drop(
                self.rules
                    .entry(rules[only.index()].name.clone())
                    .or_insert(example),
            ),
            _ => self.unexplained = Some((checked, example)),
        }
        self.watching = true;
        false
    }

    /// Takes in a change that no step and no rule made.
    pub(super) fn foreign(&mut self, example: String) {
        self.foreign.get_or_insert((example, 0)).1 += 1;
    }

    pub(super) fn notes(&self) -> Vec<String> {
        let mut notes: Vec<_> = self
            .rules
            .iter()
            .map(|(rule, example)| {
                format!("rule `{rule}` changes data, which was undone each time: {example}")
            })
            .collect();
        if let Some((_, example)) = &self.unexplained
            && self.rules.is_empty()
        {
            notes.push(format!(
                "something changed data while rules were checked, which was undone: {example}"
            ));
        }
        if let Some((example, times)) = &self.foreign {
            notes.push(format!(
                "foreign writes: {times} times data changed outside of any step, which was undone, first: {example}; \
                 does something else use this database, or does the API work on after it has answered (`quiet_when`)?"
            ));
        }
        notes
    }
}

/// The first change that is in one and not in the other.
fn difference(known: &[Vec<RowChange>], now: &[Vec<RowChange>]) -> Option<String> {
    let pairs = known.iter().zip(now);
    pairs
        .filter(|(known, now)| known != now)
        .find_map(|(known, now)| {
            let new = now.iter().find(|change| !known.contains(change));
            new.or_else(|| known.iter().find(|change| !now.contains(change)))
                .map(ToString::to_string)
        })
}
