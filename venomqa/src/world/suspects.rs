use std::collections::BTreeMap;
use std::mem;

use venomqa_adapters::RowChange;

/// Finds out who changes data outside of an action: a rule, or somebody from outside.
///
/// Asking the systems after every single rule would cost a round trip each. So they are asked once after all rules, or the restore that
/// follows tells; only when that shows a change, they are asked after each rule from then on.
#[derive(Debug, Default)]
pub(super) struct Suspects {
    watching: bool,
    /// The rules checked since the last settling.
    checked: Vec<Alibi>,
    /// Whether a change was seen since the last settling.
    disturbed: bool,
    /// For each rule that surely changes data what it changed the first time.
    convicted: BTreeMap<String, String>,
    /// What changed first while rules were checked that only read, and which ones.
    doubtful: Option<(Vec<String>, String)>,
    /// What came from outside the first time, and how often.
    foreign: Option<(String, u64)>,
}

/// A rule that was checked.
#[derive(Clone, Debug)]
pub(super) struct Alibi {
    pub(super) rule: String,
    /// Whether it sent something else than `GET`, `HEAD` and `OPTIONS`.
    pub(super) wrote: bool,
}

impl Suspects {
    /// Takes in that a rule was checked. Returns whether the systems are to be asked now what it has changed.
    pub(super) fn checked(&mut self, alibi: Alibi) -> bool {
        self.checked.push(alibi);
        self.watching
    }

    /// Takes the look after one rule: what has changed meanwhile, if anything.
    pub(super) fn look(&mut self, example: Option<String>) {
        if let Some(example) = example {
            self.disturbed = true;
            let last = self.checked.last().cloned();
            self.accuse(&Vec::from_iter(last), example);
        }
    }

    /// Takes the look after all rules, or what was found when the systems were saved or restored after them. Returns whether everything is
    /// as the action left it.
    pub(super) fn settle(&mut self, example: Option<String>) -> bool {
        let checked = mem::take(&mut self.checked);
        if let Some(example) = example {
            self.disturbed = true;
            if self.watching || checked.is_empty() {
                // It came after the last rule, or after none.
                self.foreign(example);
            } else {
                self.accuse(&checked, example);
            }
            self.watching |= !checked.is_empty();
        }
        !mem::take(&mut self.disturbed)
    }

    /// Takes in a change that no step and no rule made.
    fn foreign(&mut self, example: String) {
        self.foreign.get_or_insert((example, 0)).1 += 1;
    }

    fn accuse(&mut self, checked: &[Alibi], example: String) {
        let mut writers = checked.iter().filter(|alibi| alibi.wrote);
        match (writers.next(), writers.next()) {
            (Some(only), None) => {
                self.convicted.entry(only.rule.clone()).or_insert(example);
            }
            _ => {
                let names = checked.iter().map(|alibi| alibi.rule.clone());
                self.doubtful.get_or_insert((names.collect(), example));
            }
        }
    }

    pub(super) fn notes(&self) -> Vec<String> {
        let mut notes: Vec<_> = self
            .convicted
            .iter()
            .map(|(rule, example)| {
                format!("rule `{rule}` changes data, which was undone each time: {example}")
            })
            .collect();
        let explained = |rule: &String| self.convicted.contains_key(rule);
        if let Some((rules, example)) = &self.doubtful
            && !rules.iter().any(explained)
        {
            notes.push(format!(
                "data changed while `{}` {} checked, which was undone: {example}; does a rule change data, does the API work on \
                 after it has answered (`quiet_when`), or does something else use this database?",
                rules.join("`, `"),
                if rules.len() == 1 { "was" } else { "were" },
            ));
        }
        if let Some((example, times)) = &self.foreign {
            let times = match times {
                1 => "once".into(),
                times => format!("{times} times"),
            };
            notes.push(format!(
                "foreign writes: {times} data changed outside of any step, which was undone, first: {example}; \
                 does something else use this database, or does the API work on after it has answered (`quiet_when`)?"
            ));
        }
        notes
    }
}

/// The first change that is in one and not in the other. Systems tell their changes in an order that depends on nothing but the rows.
pub(super) fn difference<'a>(
    known: &'a [Vec<RowChange>],
    now: &'a [Vec<RowChange>],
) -> Option<&'a RowChange> {
    known.iter().zip(now).find_map(|(known, now)| {
        let same = known
            .iter()
            .zip(now)
            .take_while(|(known, now)| known == now)
            .count();
        now.get(same).or(known.get(same))
    })
}
