use std::time::Duration;

use super::Ended;
use crate::Severity;

/// What happens during an exploration, told as it happens. Progress, streams of findings and reports all consume this.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Event<'a> {
    /// The world is ready and the initial state is known.
    Started {
        /// The number of actions, instances with arguments counted one by one.
        actions: usize,
        /// The number of the user's rules.
        rules: usize,
    },
    /// A transition was performed.
    Progress {
        /// The states reached so far.
        states: u64,
        /// The transitions performed so far.
        transitions: u64,
        /// The pairs that wait.
        pending: u64,
        /// The depth of the state in which the last action was performed.
        depth: u32,
        /// The time since the start.
        elapsed: Duration,
    },
    /// A rule is broken on a sequence that contains no sequence told before for the same rule. It is not minimised and not
    /// confirmed yet.
    Broken {
        /// The rule.
        rule: &'a str,
        /// How bad it is.
        severity: Severity,
        /// Why, in its own words.
        message: &'a str,
        /// The sequence, with arguments.
        sequence: &'a [&'a str],
    },
    /// Exploring has ended, what was found is being confirmed.
    Confirming {
        /// How many violations there are to confirm.
        violations: usize,
    },
    /// All is done.
    Ended {
        /// Why it ended.
        ended: &'a Ended,
    },
}
