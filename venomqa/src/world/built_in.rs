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

    /// The names, in the order of the rules.
    pub(super) fn names() -> impl Iterator<Item = &'static str> {
        Self::ALL.into_iter().map(Self::name)
    }

    fn name(self) -> &'static str {
        match self {
            Self::Crash => "no_crash",
            Self::ServerError => "no_server_error",
            Self::FailedAction => "no_failed_action",
            Self::LateRefusal => "no_late_refusal",
        }
    }

    pub(super) fn infos() -> impl Iterator<Item = RuleInfo> {
        Self::ALL.into_iter().map(|rule| {
            let (about, severity) = match rule {
                Self::Crash => (
                    "No sequence of calls brings the server down.",
                    Severity::Critical,
                ),
                Self::ServerError => (
                    "No call is answered with a 5xx that it does not expect.",
                    Severity::High,
                ),
                Self::FailedAction => ("No action ends with an error of its own.", Severity::High),
                Self::LateRefusal => (
                    "An action that does not apply says so before it does anything.",
                    Severity::Medium,
                ),
            };
            RuleInfo {
                name: rule.name().into(),
                about: about.into(),
                severity,
                when: When::After,
                takes_step: false,
                built_in: true,
                broken_by_rules: rule == Self::Crash,
            }
        })
    }
}
