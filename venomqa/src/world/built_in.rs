use crate::explorer::{RuleId, RuleInfo};
use crate::{Severity, When};

/// VenomQA's own rules. Nobody declares them, and they hold in every world.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum BuiltIn {
    Crash,
    ServerError,
    FailedAction,
    LateRefusal,
}

impl BuiltIn {
    const ALL: [Self; 4] = [
        Self::Crash,
        Self::ServerError,
        Self::FailedAction,
        Self::LateRefusal,
    ];

    /// The number of the rule in a world with this many rules of the user's.
    pub(super) fn id(self, users: usize) -> RuleId {
        let position = Self::ALL
            .iter()
            .position(|rule| *rule == self)
            .unwrap_or_default();
        RuleId((users + position) as u32)
    }

    pub(super) fn infos() -> impl Iterator<Item = RuleInfo> {
        Self::ALL.into_iter().map(|rule| {
            let (name, about, severity) = match rule {
                Self::Crash => (
                    "no_crash",
                    "No sequence of calls brings the server down.",
                    Severity::Critical,
                ),
                Self::ServerError => (
                    "no_server_error",
                    "No call is answered with a 5xx that it does not expect.",
                    Severity::High,
                ),
                Self::FailedAction => (
                    "no_failed_action",
                    "No action ends with an error of its own.",
                    Severity::High,
                ),
                Self::LateRefusal => (
                    "no_late_refusal",
                    "An action that does not apply says so before it does anything.",
                    Severity::Medium,
                ),
            };
            RuleInfo {
                name: name.into(),
                about: about.into(),
                severity,
                when: When::After,
                takes_step: false,
                built_in: true,
            }
        })
    }
}
