use super::explored::Explored;
use crate::registry::InvariantEntry;
use crate::report::{Failure, Plain, ReplayCommand, first_line};
use crate::{ActionReport, Ended, Exploration, RuleReport, Violation};

/// Where a short reason is told in full.
const SEE_EXPLORE: &str = "(the test `explore` of this suite tells all of it)";

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
                    String::new()
                } else {
                    format!(" {SEE_EXPLORE}")
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
    let nothing = RuleReport::default();
    let report = exploration
        .rules
        .iter()
        .find(|report| report.name == name && !report.built_in)
        .unwrap_or(&nothing);
    let why = if let Ended::Error { message, .. } = &exploration.ended {
        let message = first_line(message);
        format!("the exploration ended early: {message} {SEE_EXPLORE}")
    } else if let Some(why) = report.why_not_checked() {
        format!("the rule {why}")
    } else if !exploration.actions.iter().any(did_something) {
        format!("no action did what it is meant to do {SEE_EXPLORE}")
    } else {
        return None;
    };
    Some(format!("not checked: {}", Plain(&why, 2)))
}

/// Whether there is a state or an answer that only this action can have led to.
fn did_something(action: &ActionReport) -> bool {
    action.expected > 0 || action.may_fail && action.applied > 0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry::Place;
    use crate::{Checked, MockSystem, Outcome, Severity, When, World};

    static RULE: InvariantEntry = InvariantEntry {
        name: "no_debt",
        function: "no_debt",
        place: Place {
            module: "t",
            file: "t.rs",
            line: 1,
            column: 1,
        },
        about: "",
        severity: Severity::Low,
        when: When::After,
        takes_step: false,
        call: |_| Box::pin(async { Checked::Held }),
    };

    /// What a world with one action and one rule comes to.
    fn explored(outcome: fn() -> Outcome) -> Exploration {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        let db = MockSystem::new().with_table("orders", &["id"], &["id"]);
        let agent = crate::Agent::new(World::without_api().with("db", db))
            .action(crate::Action::of_parts("create", move |_| {
                Box::pin(async move { outcome() })
            }))
            .invariant(crate::Invariant::of_parts("no_debt", |_| {
                Box::pin(async { Checked::Held })
            }));
        runtime.block_on(agent.explore()).unwrap()
    }

    fn check(exploration: Exploration, expected: Result<(), &str>) {
        let explored = Explored::Ended(Box::new(exploration));
        let replay = ReplayCommand {
            target: "t".into(),
            suite: "s".into(),
            exact: false,
        };
        let verdicts = Verdicts {
            explored: &explored,
            replay: &replay,
            in_full: &|_| true,
        };
        for why_in_full in [false, true] {
            let verdict = verdicts.rule(&RULE, why_in_full);
            assert_eq!(
                verdict.as_ref().map_err(|text| &**text),
                expected.as_ref().map_err(|text| *text)
            );
        }
    }

    #[test]
    fn a_rule_that_held_until_the_exploration_died_was_not_checked() {
        let mut exploration = explored(|| Outcome::Done);
        assert!(exploration.rules[0].checks > 0);
        check(exploration.clone(), Ok(()));
        exploration.ended = Ended::Error {
            message: "GET /orders: no answer\nmore".into(),
            sequence: vec!["create".into()],
            logs: "line".into(),
        };
        check(
            exploration,
            Err(
                "not checked: the exploration ended early: GET /orders: no answer (the test `explore` of this suite tells all of it)",
            ),
        );
    }

    #[test]
    fn a_rule_under_actions_that_never_apply_was_not_checked() {
        let exploration = explored(|| Outcome::NotApplicable);
        assert!(exploration.rules[0].checks > 0);
        check(
            exploration,
            Err(
                "not checked: no action did what it is meant to do (the test `explore` of this suite tells all of it)",
            ),
        );
    }
}
