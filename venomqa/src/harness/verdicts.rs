use super::explored::Explored;
use crate::registry::InvariantEntry;
use crate::report::{Failure, Plain, ReplayCommand, first_line};
use crate::{Ended, Exploration, RuleReport, Violation};

/// What the tests of one suite say, read off what exploring it found.
pub(crate) struct Verdicts<'a> {
    pub(crate) explored: &'a Explored,
    pub(crate) replay: &'a ReplayCommand,
    /// Whether a violation is told in full here; otherwise a test of its own does.
    pub(crate) in_full: &'a dyn Fn(&Violation) -> bool,
}

impl Verdicts<'_> {
    /// The verdict on the exploration as such and on VenomQA's own rules.
    ///
    /// # Errors
    ///
    /// Why it fails.
    pub(crate) fn explore(&self) -> Result<(), String> {
        let exploration = match self.explored {
            Explored::Failed(why) => return Err(Plain(why, 2).to_string()),
            Explored::Ended(exploration) => exploration,
        };
        let mut failures: Vec<_> = exploration
            .shortcomings()
            .iter()
            .map(|shortcoming| Plain(shortcoming, 2).to_string())
            .collect();
        failures.extend(
            exploration
                .failures()
                .filter(|violation| violation.built_in)
                .map(|violation| self.of_violation(violation)),
        );
        verdict(failures)
    }

    /// The verdict on one rule of the user's. With `why_in_full`, also what kept the whole suite from running.
    ///
    /// # Errors
    ///
    /// Why it fails.
    pub(crate) fn rule(&self, rule: &InvariantEntry, why_in_full: bool) -> Result<(), String> {
        let exploration = match self.explored {
            Explored::Failed(why) if why_in_full => {
                return Err(format!("not checked: {}", Plain(why, 2)));
            }
            Explored::Failed(why) => {
                let short = first_line(why);
                let more = if short == why.trim() {
                    ""
                } else {
                    " (the test `explore` of this suite tells all of it)"
                };
                return Err(format!("not checked: {}{more}", Plain(&short, 2)));
            }
            Explored::Ended(exploration) => exploration,
        };
        let mut failures: Vec<_> = exploration
            .failures()
            .filter(|violation| violation.rule == rule.name && !violation.built_in)
            .map(|violation| self.of_violation(violation))
            .collect();
        failures.extend(not_checked(exploration, rule.name));
        verdict(failures)
    }

    fn of_violation(&self, violation: &Violation) -> String {
        if (self.in_full)(violation) {
            let replay = self.replay;
            return Failure {
                violation,
                replay: Some(replay),
            }
            .text();
        }
        format!(
            "{}: {} is broken: {}\n  see {}::{}::{}",
            violation.severity,
            violation.rule,
            Plain(&first_line(&violation.message), 2),
            self.replay.suite,
            violation.rule,
            violation.path(),
        )
    }
}

fn verdict(failures: Vec<String>) -> Result<(), String> {
    if failures.is_empty() {
        Ok(())
    } else {
        Err(failures.join("\n\n"))
    }
}

/// Why a rule that is not broken cannot be said to hold.
fn not_checked(exploration: &Exploration, name: &str) -> Option<String> {
    let report = exploration
        .rules
        .iter()
        .find(|report| report.name == name && !report.built_in);
    let nothing = RuleReport::default();
    let report = report.unwrap_or(&nothing);
    if report.not_checked > 0 {
        let why = report.why_not.as_deref().unwrap_or("it does not say why");
        return Some(format!(
            "not checked: the rule could not be evaluated {} of {} times, at first because: {}",
            report.not_checked,
            report.not_checked + report.checks,
            Plain(why, 2)
        ));
    }
    if report.checks > 0 {
        return None;
    }
    let because = match &exploration.ended {
        Ended::Error { message, .. } => {
            format!("the exploration ended early: {}", first_line(message))
        }
        _ => "the rule was never evaluated".into(),
    };
    Some(format!("not checked: {}", Plain(&because, 2)))
}
