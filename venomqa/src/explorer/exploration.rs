use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Confirmation, Violation};
use crate::report::{Plain, excerpt, plural};
use crate::{Config, Error, Severity};

/// How many of the last lines of a server's output a shortcoming shows.
const LAST_LINES: usize = 26;

/// What one exploration did, found, and did not do.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Exploration {
    /// The configuration it ran under.
    pub config: Config,
    /// The distinct states reached, the initial one included.
    pub states_visited: u64,
    /// The (state, action) pairs that were performed. Actions that did not apply are not counted.
    pub transitions: u64,
    /// The most actions on the shortest way to a visited state.
    pub depth: u32,
    /// The violations, one per rule and minimal sequence, shortest first.
    pub violations: Vec<Violation>,
    /// Why it ended.
    pub ended: Ended,
    /// What each action did, in the order of registration, one entry per name.
    pub actions: Vec<ActionReport>,
    /// What became of each rule, in the order of registration, VenomQA's own last.
    pub rules: Vec<RuleReport>,
    /// The pairs of consecutive actions that were performed, out of all that are possible.
    pub action_pairs: (u64, u64),
    /// The systems of the world, and how they go back.
    pub systems: Vec<SystemReport>,
    /// States that could not be reached again.
    pub diverged: Vec<Divergence>,
    /// The (state, action) pairs that a limit or a divergence left out.
    pub pairs_left: u64,
    /// What makes it prove nothing, however good it looks.
    pub doubts: Vec<String>,
    /// What the reader must know before trusting the result: what was narrowed, ignored, changed from outside.
    pub notes: Vec<String>,
    /// How long it took, set-up and confirmation included.
    pub elapsed: Duration,
}

/// Why an exploration ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ended {
    /// Every pair within the limits of a path was performed.
    Complete,
    /// `max_steps` was reached.
    MaxSteps,
    /// The budget of time was used up.
    Budget,
    /// Something made it impossible to go on. What was found until then is kept.
    Error {
        /// What happened.
        message: String,
        /// The actions that had been performed when it happened, with their arguments.
        sequence: Vec<String>,
        /// What the servers of the world had printed.
        logs: String,
    },
}

/// What one action did. Instances with different arguments are counted together.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ActionReport {
    /// Its name.
    pub name: String,
    /// How often it was tried.
    pub tried: u64,
    /// How often it applied.
    pub applied: u64,
    /// How often it got a status that it expects, or ended without one.
    pub expected: u64,
    /// Whether the user allows that it never gets a status that it expects.
    pub may_fail: bool,
    /// How often it got each status.
    pub statuses: BTreeMap<u16, u64>,
}

/// What became of one rule.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[non_exhaustive]
pub struct RuleReport {
    /// Its name.
    pub name: String,
    /// How bad it is when it is broken.
    pub severity: Severity,
    /// Whether it is one of VenomQA's own.
    pub built_in: bool,
    /// How often it was evaluated.
    pub checks: u64,
    /// How often it was broken.
    pub broken: u64,
    /// How often it could not be evaluated.
    pub not_checked: u64,
    /// Why it could not be evaluated the first time.
    pub why_not: Option<String>,
}

/// One system of the world.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[non_exhaustive]
pub struct SystemReport {
    /// Its name in the world.
    pub name: String,
    /// What it is.
    pub about: String,
    /// How it goes back.
    pub mechanism: String,
    /// What it cannot undo or cannot see.
    pub gaps: Vec<String>,
}

/// A state that could not be reached again on the way on which it was found.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Divergence {
    /// The actions that lead there, with their arguments, up to the step that differed.
    pub sequence: Vec<String>,
    /// What differed.
    pub what: String,
    /// What the user can do about it.
    pub remedy: String,
}

impl Exploration {
    /// Why the exploration as such is a failure, apart from the users' rules: it ended early by an error, or it proves less than
    /// it seems to. Empty: it is good.
    pub fn shortcomings(&self) -> Vec<String> {
        let mut found = Vec::new();
        if let Ended::Error {
            message,
            sequence,
            logs,
        } = &self.ended
        {
            let mut text = format!("the exploration ended early: {message}");
            if !sequence.is_empty() {
                let _ = write!(text, "\n  after: {}", sequence.join(" -> "));
            }
            if !logs.is_empty() {
                let _ = write!(text, "\n  the server's last output:");
                for line in excerpt(logs, LAST_LINES) {
                    let _ = write!(text, "\n    {line}");
                }
            }
            found.push(text);
        }
        if self.actions.is_empty() {
            found.push("there are no actions, so nothing was explored".into());
        }
        found.extend(self.doubts.iter().cloned());
        found.extend(self.untried());
        for action in &self.actions {
            found.extend(action.shortcoming());
        }
        for rule in &self.rules {
            found.extend(rule.shortcoming());
        }
        if self.config.complete {
            if !matches!(self.ended, Ended::Complete | Ended::Error { .. }) || self.pairs_left > 0 {
                found.push(format!(
                    "`complete = true`, but {}; pairs of state and action that were not tried: {}",
                    self.ended.phrase(&self.config),
                    self.pairs_left
                ));
            }
            if !self.diverged.is_empty() {
                found.push(format!(
                    "`complete = true`, but states diverged: {}",
                    self.diverged.len()
                ));
            }
        }
        found
    }

    /// Which actions were never tried, and why.
    fn untried(&self) -> Option<String> {
        let untried: Vec<_> = self
            .actions
            .iter()
            .filter(|action| action.tried == 0)
            .map(|action| format!("`{}`", action.name))
            .collect();
        if untried.is_empty() {
            return None;
        }
        let in_the_initial_state = |violation: &&Violation| violation.sequence.is_empty();
        let why = match self.ended {
            Ended::Error { .. } => "that ended before their turn".into(),
            Ended::MaxSteps | Ended::Budget => "a limit was reached before their turn".into(),
            Ended::Complete => match self.violations.iter().find(in_the_initial_state) {
                Some(violation) => format!(
                    "`{}` is broken in the initial state, and such a state is explored further only with `expand_violating`",
                    violation.rule
                ),
                None => "no state in which they could be was explored further".into(),
            },
        };
        Some(format!("never tried: {}; {why}", untried.join(", ")))
    }

    /// Notes that the world could not be put back.
    pub(crate) fn not_put_back(&mut self, error: &Error) {
        let message = format!("the world could not be put back: {error}");
        match self.ended {
            Ended::Error { .. } => self.notes.push(message),
            _ => {
                self.ended = Ended::Error {
                    message,
                    sequence: Vec::new(),
                    logs: String::new(),
                }
            }
        }
    }

    /// The violations that make the run fail: those of at least the severity `fail_on`.
    pub fn failures(&self) -> impl Iterator<Item = &Violation> {
        self.violations
            .iter()
            .filter(|violation| violation.severity >= self.config.fail_on)
    }

    /// The whole result in a few lines for a person, safe to print: control characters are escaped.
    pub fn summary(&self) -> String {
        let mut text = format!(
            "{}, {}, depth {}, {} in {:.1?}: {}",
            plural(self.states_visited, "state"),
            plural(self.transitions, "transition"),
            self.depth,
            plural(self.violations.len() as u64, "violation"),
            self.elapsed,
            self.ended.phrase(&self.config),
        );
        for violation in &self.violations {
            let _ = write!(
                text,
                "\n  {} {}: {}\n    {}",
                violation.severity,
                violation.rule,
                Plain(&violation.message, 4),
                if violation.sequence.is_empty() {
                    "in the initial state".into()
                } else {
                    violation.labels().join(" -> ")
                }
            );
            if let Confirmation::Unconfirmed(doubt) = &violation.confirmation {
                let _ = write!(text, "\n    unconfirmed: {}", Plain(doubt, 4));
            }
        }
        for shortcoming in self.shortcomings() {
            let _ = write!(text, "\n  {}", Plain(&shortcoming, 2));
        }
        for divergence in &self.diverged {
            let _ = write!(text, "\n  diverged: {}", Plain(&divergence.to_string(), 4));
        }
        for note in &self.notes {
            let _ = write!(text, "\n  note: {}", Plain(note, 4));
        }
        text
    }
}

impl Ended {
    /// As the end of a sentence.
    pub fn phrase(&self, config: &Config) -> String {
        match self {
            Self::Complete => format!("complete to depth {}", config.max_depth),
            Self::MaxSteps => format!(
                "stopped after {} (max_steps)",
                plural(config.max_steps.unwrap_or_default(), "transition")
            ),
            Self::Budget => format!(
                "stopped after {:.0?} (budget)",
                config.budget.unwrap_or_default()
            ),
            Self::Error { .. } => "ended by an error".into(),
        }
    }
}

impl std::fmt::Display for Divergence {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "{}: {}; {}",
            self.sequence.join(" -> "),
            self.what,
            self.remedy
        )
    }
}

impl ActionReport {
    fn shortcoming(&self) -> Option<String> {
        let name = &self.name;
        if self.tried > 0 && self.applied == 0 {
            return Some(format!(
                "action `{name}` never applied in {}: what it requires was never there",
                plural(self.tried, "state")
            ));
        }
        if self.applied > 0 && self.expected == 0 && !self.may_fail {
            let seen: Vec<_> = self
                .statuses
                .iter()
                .map(|(status, times)| format!("{status} ({})", plural(*times, "time")))
                .collect();
            return Some(format!(
                "action `{name}` never got a status that it expects, only {}; if that is right, say \
                 `expect = {}` or `may_fail`",
                seen.join(", "),
                self.statuses
                    .keys()
                    .map(u16::to_string)
                    .collect::<Vec<_>>()
                    .join(" | "),
            ));
        }
        None
    }
}

impl RuleReport {
    fn shortcoming(&self) -> Option<String> {
        if self.built_in {
            return None;
        }
        let why = self.why_not_checked()?;
        Some(format!("rule `{}` {why}", self.name))
    }

    /// What kept the rule from being evaluated, every time or once, as the end of a sentence about it.
    pub(crate) fn why_not_checked(&self) -> Option<String> {
        if self.not_checked > 0 {
            return Some(format!(
                "could not be evaluated {} of {}, at first because: {}",
                self.not_checked,
                plural(self.not_checked + self.checks, "time"),
                self.why_not.as_deref().unwrap_or("it does not say why")
            ));
        }
        (self.checks == 0).then(|| "was never evaluated".into())
    }
}
