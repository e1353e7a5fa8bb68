use serde::{Deserialize, Serialize};

use crate::{Severity, Step};

/// A rule that was broken, with a shortest sequence of actions that breaks it.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Violation {
    /// The rule's name.
    pub rule: String,
    /// The rule in a sentence, or empty.
    pub about: String,
    /// How bad it is.
    pub severity: Severity,
    /// Whether the rule is one of VenomQA's own, such as `no_server_error`.
    pub built_in: bool,
    /// Why the rule is broken, in its own words.
    pub message: String,
    /// The sequence, each step with its exchanges and the rows that it changed. Empty: the initial state breaks the rule. No
    /// step can be left out, unless the violation is unconfirmed.
    pub sequence: Vec<Step>,
    /// Whether the sequence broke the rule again from a clean start.
    pub confirmation: Confirmation,
    /// The number of transitions in the exploration that count under this violation.
    pub occurrences: u64,
    /// What the servers of the world printed while the sequence was executed again.
    pub logs: String,
}

/// Whether a violation was seen again from a clean start: root checkpoint, empty context, a fresh server process.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Confirmation {
    /// It was.
    Confirmed,
    /// It was not, for this reason. The sequence is the one on which it was found.
    Unconfirmed(String),
}

impl Violation {
    /// The names of the actions in order, arguments left out, joined by `-`: what tells violations of a rule apart, and
    /// the last part of the test's name. `initial_state` for an empty sequence.
    pub fn path(&self) -> String {
        if self.sequence.is_empty() {
            return "initial_state".into();
        }
        self.sequence
            .iter()
            .map(|step| step.action.as_str())
            .collect::<Vec<_>>()
            .join("-")
    }

    /// The actions with their arguments, as `VENOMQA_REPLAY` takes them.
    pub fn labels(&self) -> Vec<String> {
        self.sequence
            .iter()
            .map(|step| step.label.clone())
            .collect()
    }

    /// Whether it was seen again from a clean start.
    pub fn is_confirmed(&self) -> bool {
        self.confirmation == Confirmation::Confirmed
    }
}
