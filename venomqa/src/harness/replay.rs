use super::explored::Explored;
use super::regressions::Regression;
use super::sequence::Known;
use super::session::Session;
use crate::registry::Suite;
use crate::report::{Plain, ReplayedSteps, first_line};
use crate::{Breach, Replay, Severity};

/// The rule whose regressions are mended by an action that declines, without doing anything first.
const LATE_REFUSAL: &str = "no_late_refusal";

impl Session {
    /// Executes a sequence of a suite, with nobody else executing the suite.
    fn replay(&self, suite: &Suite, labels: &[String]) -> Result<Replay, String> {
        let _held = self.hold(suite);
        let config = self.environment.over((suite.exploration.config)());
        super::explored::replay(suite, config, labels, &self.console)
    }

    /// Executes the sequence that the user asked for, and shows what happens.
    ///
    /// # Errors
    ///
    /// A rule is broken or could not be checked, or the sequence could not be executed.
    pub(crate) fn show_replay(&self, suite: &Suite, labels: &[String]) -> Result<Replay, String> {
        let replay = self.replay(suite, labels)?;
        let name = suite.name();
        self.console.with(|out| {
            write!(out, "{name}: replay of {} actions", labels.len())?;
            let replay = &replay;
            ReplayedSteps { replay }.write(out)?;
            writeln!(out)
        });
        Ok(replay)
    }

    /// The verdict on a file of the regressions.
    ///
    /// # Errors
    ///
    /// The sequence breaks its rule again, or proves nothing any more.
    pub(crate) fn regression(&self, suite: &Suite, path: &std::path::Path) -> Result<(), String> {
        let shown = self.folders.shown(path);
        let bad = |why: String| format!("regression {}: {}", Plain(&shown, 2), Plain(&why, 2));
        let regression = Regression::read(path).map_err(bad)?;
        let severity = severity_now(suite, &regression).map_err(bad)?;
        let labels = regression.labels();
        let known = Known::of(suite);
        if let Some(gone) = labels.iter().find(|label| !known.has(label)) {
            return Err(bad(format!(
                "the action `{gone}` is gone; delete {shown} if the API can no longer do this"
            )));
        }
        let replay = self.replay(suite, &labels).map_err(bad)?;
        let again = replay
            .broken
            .iter()
            .find(|breach| breach.rule == regression.rule);
        if let Some(Breach { rule, message, .. }) = again {
            let mut text = format!(
                "{severity}: {rule} is broken again: {}",
                Plain(&first_line(message), 2)
            );
            text.push_str(&steps(&replay));
            let command = self.replay_command(suite).of(&labels);
            text.push_str(&format!("\n  regression: {}", Plain(&shown, 4)));
            text.push_str(&format!("\n  replay: {}", Plain(&command, 4)));
            if severity >= (suite.exploration.config)().fail_on {
                return Err(text);
            }
            self.console.say(format_args!(
                "{}: below `fail_on`, so the run stays green:\n{text}",
                suite.name()
            ));
            return Ok(());
        }
        if let Some((_, why)) = replay
            .not_checked
            .iter()
            .find(|(r, _)| *r == regression.rule)
        {
            return Err(bad(format!(
                "`{}` could not be checked: {why}",
                regression.rule
            )));
        }
        match &replay.stopped {
            Some(why) if !proves(&replay, &regression.rule, labels.len()) => Err(format!(
                "{}{}",
                bad(format!(
                    "{why} any more, so that the sequence proves nothing; delete {shown} if that is right"
                )),
                steps(&replay)
            )),
            _ => Ok(()),
        }
    }

    /// What an exploration found, after a second look at what this test is about: what does not happen again is dropped.
    pub(crate) fn look_again(
        &self,
        suite: &Suite,
        explored: Explored,
        rule: Option<&str>,
    ) -> Explored {
        let Explored::Ended(mut exploration) = explored else {
            return explored;
        };
        exploration.violations.retain(|violation| {
            let concerned = match rule {
                Some(rule) => violation.rule == rule && !violation.built_in,
                None => violation.built_in,
            };
            if !concerned {
                return true;
            }
            let labels = violation.labels();
            let held = self.replay(suite, &labels).is_ok_and(|replay| {
                proves(&replay, &violation.rule, labels.len())
                    && !replay
                        .broken
                        .iter()
                        .any(|breach| breach.rule == violation.rule)
                    && !replay
                        .not_checked
                        .iter()
                        .any(|(name, _)| *name == violation.rule)
            });
            if held {
                self.console.say(format_args!(
                    "{}: {} held when {} was executed again",
                    suite.name(),
                    violation.rule,
                    Plain(&labels.join(" -> "), 4)
                ));
            }
            !held
        });
        Explored::Ended(exploration)
    }
}

/// Whether so much of a sequence of this length was executed that the rule holds if it is not broken.
fn proves(replay: &Replay, rule: &str, length: usize) -> bool {
    let at_the_end =
        replay.steps.len() == length && !replay.broken.iter().any(|breach| breach.after == length);
    replay.stopped.is_none() || rule == LATE_REFUSAL && at_the_end
}

/// The severity of the rule as it is now.
fn severity_now(suite: &Suite, regression: &Regression) -> Result<Severity, String> {
    if regression.built_in {
        return Ok(regression.severity);
    }
    let rule = suite.invariants.iter().find(|r| r.name == regression.rule);
    rule.map(|rule| rule.severity).ok_or_else(|| {
        format!(
            "the rule `{}` is gone; delete the file if nothing must hold here any more",
            regression.rule
        )
    })
}

fn steps(replay: &Replay) -> String {
    let mut text = Vec::new();
    // A `Vec` takes everything.
    let _ = ReplayedSteps { replay }.write(&mut text);
    String::from_utf8_lossy(&text).into_owned()
}

/// The verdict on a replay: on one rule, or on everything.
///
/// # Errors
///
/// Why it fails.
pub(crate) fn verdict(replay: &Result<Replay, String>, rule: Option<&str>) -> Result<(), String> {
    let replay = replay
        .as_ref()
        .map_err(|why| format!("not replayed: {}", Plain(why, 2)))?;
    let concerned = |name: &str| rule.is_none_or(|rule| rule == name);
    let broken = replay
        .broken
        .iter()
        .filter(|breach| concerned(&breach.rule))
        .map(|breach| {
            format!(
                "{} is broken after step {}: {}",
                breach.rule,
                breach.after,
                Plain(&breach.message, 2)
            )
        });
    let not_checked = replay
        .not_checked
        .iter()
        .filter(|(name, _)| concerned(name))
        .map(|(name, why)| format!("{name} not checked: {}", Plain(why, 2)));
    let stopped = replay
        .stopped
        .as_ref()
        .map(|why| format!("not executed to its end: {why}"));
    let failures: Vec<_> = broken.chain(not_checked).chain(stopped).collect();
    if failures.is_empty() {
        Ok(())
    } else {
        Err(failures.join("\n"))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::Step;

    #[test]
    fn an_action_that_declines_at_once_has_learnt_from_a_late_refusal() {
        assert!(crate::world::built_in_rules().any(|rule| rule == LATE_REFUSAL));
        let step = || Step {
            action: "refund".into(),
            label: "refund".into(),
            status: None,
            exchanges: Vec::new(),
            changes: Vec::new(),
            elapsed: Duration::ZERO,
        };
        let check = |rule: &str, steps: usize, broken: &[usize], expected: bool| {
            let breach = |&after| Breach {
                rule: "no_crash".into(),
                after,
                message: "it died".into(),
            };
            let replay = Replay {
                steps: (0..steps).map(|_| step()).collect(),
                broken: broken.iter().map(breach).collect(),
                stopped: Some("it does not apply".into()),
                ..Replay::default()
            };
            assert_eq!(proves(&replay, rule, 2), expected, "{rule} {steps}");
        };
        check(LATE_REFUSAL, 2, &[], true);
        check(LATE_REFUSAL, 1, &[], false);
        check(LATE_REFUSAL, 2, &[2], false);
        check("no_failed_action", 2, &[], false);
        assert!(proves(&Replay::default(), "no_failed_action", 0));
    }
}
