use std::io::{self, Write};

use super::{Plain, cut, excerpt};
use crate::{Confirmation, Exchange, Replay, Step, Violation};

/// How much of a body is shown.
const BODY: usize = 300;

/// How much of a rule's own words is shown.
const MESSAGE: usize = 600;

/// How many of the last lines of a server's output are shown.
const LAST_LINES: usize = 8;

/// The command that executes one sequence again.
#[derive(Clone, Debug)]
pub(crate) struct ReplayCommand {
    /// The name of the test target, for `cargo test --test`.
    pub(crate) target: String,
    pub(crate) suite: String,
    /// Whether the suite's test must be named in full, because its name ends another one's.
    pub(crate) exact: bool,
}

impl ReplayCommand {
    /// The command, for a POSIX shell.
    pub(crate) fn of(&self, labels: &[String]) -> String {
        let sequence = if labels.is_empty() {
            "initial_state".into()
        } else {
            labels.join(",").replace('\'', r"'\''")
        };
        format!(
            "VENOMQA_REPLAY='{sequence}' cargo test --test {} -- {}::explore{}",
            self.target,
            self.suite,
            if self.exact { " --exact" } else { "" },
        )
    }
}

/// A violation as a person reads it who has to find the bug.
#[derive(Debug)]
pub(crate) struct Failure<'a> {
    pub(crate) violation: &'a Violation,
    /// What executes the sequence again; nothing where there is no test target to do so.
    pub(crate) replay: Option<&'a ReplayCommand>,
}

impl Failure<'_> {
    /// Writes it, without a line break at the end.
    pub(crate) fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        let violation = self.violation;
        write!(
            out,
            "{}: {} is broken: {}",
            violation.severity,
            violation.rule,
            Plain(&cut(&violation.message, MESSAGE), 2)
        )?;
        if !violation.about.is_empty() {
            write!(out, "\n  {}", Plain(&violation.about, 2))?;
        }
        writeln!(out)?;
        if violation.sequence.is_empty() {
            write!(out, "\n  in the initial state, before any action")?;
        }
        write_steps(out, &violation.sequence)?;
        writeln!(out)?;
        match &violation.confirmation {
            Confirmation::Confirmed => {
                write!(out, "\n  confirmed: broken again from a clean start")?;
            }
            Confirmation::Unconfirmed(why) => {
                write!(out, "\n  UNCONFIRMED: {}", Plain(why, 4))?;
            }
        }
        if violation.occurrences > 1 {
            write!(out, "; seen on {} transitions", violation.occurrences)?;
        }
        let server_failed = violation.sequence.iter().any(failed_in_the_server);
        if violation.built_in || server_failed {
            write_logs(out, &violation.logs)?;
        }
        match self.replay {
            Some(replay) => {
                let command = replay.of(&violation.labels());
                write!(out, "\n  replay: {}", Plain(&command, 4))
            }
            None => Ok(()),
        }
    }

    /// The same as text.
    pub(crate) fn text(&self) -> String {
        let mut text = Vec::new();
        // A `Vec` takes everything.
        let _ = self.write(&mut text);
        String::from_utf8_lossy(&text).into_owned()
    }
}

/// The steps of a sequence that was executed because somebody asked for it, with the verdicts after each.
#[derive(Debug)]
pub(crate) struct ReplayedSteps<'a> {
    pub(crate) replay: &'a Replay,
}

impl ReplayedSteps<'_> {
    /// Writes them, without a line break at the end.
    pub(crate) fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        self.write_broken_after(out, 0, "in the initial state: ")?;
        let verdict = if self.replay.not_checked.is_empty() {
            "all rules hold"
        } else {
            "no rule is broken"
        };
        let steps = &self.replay.steps;
        for (number, step) in steps.iter().enumerate() {
            write_step(out, number + 1, step, true)?;
            self.write_broken_after(out, number + 1, "")?;
            let broken = self.replay.broken.iter().any(|b| b.after == number + 1);
            let stopped = self.replay.stopped.is_some() && number + 1 == steps.len();
            if !broken && !stopped {
                write!(out, "\n      {verdict}")?;
            }
        }
        if let Some(why) = &self.replay.stopped {
            write!(out, "\n      stopped at {}", Plain(why, 8))?;
        }
        for (rule, why) in &self.replay.not_checked {
            write!(
                out,
                "\n  {rule} could not be checked: {}",
                Plain(&cut(why, BODY), 4)
            )?;
        }
        if !self.replay.broken.is_empty() {
            write_logs(out, &self.replay.logs)?;
        }
        Ok(())
    }

    fn write_broken_after(&self, out: &mut dyn Write, steps: usize, at: &str) -> io::Result<()> {
        for breach in self.replay.broken.iter().filter(|b| b.after == steps) {
            let (rule, message) = (&breach.rule, cut(&breach.message, BODY));
            write!(out, "\n      {at}{rule} is broken: {}", Plain(&message, 8))?;
        }
        Ok(())
    }
}

fn write_steps(out: &mut dyn Write, steps: &[Step]) -> io::Result<()> {
    for (number, step) in steps.iter().enumerate() {
        // What the last call answered is part of the finding; what the others did is not, unless they failed.
        let with_body = number + 1 == steps.len() || failed_in_the_server(step);
        write_step(out, number + 1, step, with_body)?;
    }
    Ok(())
}

fn write_step(out: &mut dyn Write, number: usize, step: &Step, body: bool) -> io::Result<()> {
    write!(out, "\n  {number:>2}. {}", Plain(&step.label, 6))?;
    for exchange in &step.exchanges {
        write!(out, "\n      {}", Plain(&exchange.to_string(), 8))?;
    }
    if let (Some(status), true) = (step.status, step.exchanges.is_empty()) {
        write!(out, " -> {status}")?;
    }
    if let (Some(last), true) = (step.exchanges.last(), body) {
        write_bodies(out, last)?;
    }
    for change in &step.changes {
        write!(out, "\n        {}", Plain(&cut(change, BODY), 10))?;
    }
    Ok(())
}

fn write_bodies(out: &mut dyn Write, exchange: &Exchange) -> io::Result<()> {
    let shown = exchange.shown();
    let answered = shown.response.map(|response| response.body);
    for (what, body) in [
        ("sent", Some(shown.request.body)),
        ("answered", answered),
        ("failed", shown.failure),
    ] {
        if let Some(body) = body.filter(|body| !body.is_empty()) {
            write!(out, "\n        {what} {}", Plain(&cut(&body, BODY), 10))?;
        }
    }
    Ok(())
}

fn failed_in_the_server(step: &Step) -> bool {
    step.status.is_some_and(|status| status >= 500)
}

fn write_logs(out: &mut dyn Write, logs: &str) -> io::Result<()> {
    let lines = excerpt(logs, LAST_LINES);
    if !lines.is_empty() {
        write!(out, "\n  the server's last output:")?;
    }
    for line in lines {
        write!(out, "\n    {}", Plain(&cut(&line, BODY), 6))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::{Breach, Exchange, Severity};

    fn exchange(path: &str, status: u16, sent: &str, answered: &str) -> Exchange {
        serde_json::from_value(crate::json!({
            "api": "api",
            "request": { "method": "POST", "url": format!("http://127.0.0.1:1{path}"), "body": sent },
            "response": { "status": status, "body": answered },
            "elapsed_micros": 7,
        }))
        .unwrap()
    }

    fn step(label: &str, exchanges: Vec<Exchange>, changes: &[&str]) -> Step {
        Step {
            action: label.split('[').next().unwrap_or_default().into(),
            label: label.into(),
            status: exchanges.last().and_then(Exchange::status),
            exchanges,
            changes: changes.iter().map(|&change| change.into()).collect(),
            elapsed: Duration::from_millis(1),
        }
    }

    fn steps() -> Vec<Step> {
        vec![
            step(
                "create_order[amount=0]",
                vec![exchange("/orders", 201, "{\"amount\":0}", "{\"id\":1}")],
                &["orders#1 added: amount 0, refunded 0"],
            ),
            step(
                "refund_order[note=\"it's\"]",
                vec![
                    exchange("/login", 200, "", "token"),
                    exchange(
                        "/orders/1/refund",
                        500,
                        "",
                        "<h1>\x1b[31mdivision by zero</h1>\n",
                    ),
                ],
                &[],
            ),
        ]
    }

    fn command() -> ReplayCommand {
        ReplayCommand {
            target: "sequences".into(),
            suite: "orders".into(),
            exact: false,
        }
    }

    fn violation() -> Violation {
        Violation {
            rule: "no_server_error".into(),
            about: "No call is answered with a 5xx that it does not expect.".into(),
            severity: Severity::High,
            built_in: true,
            message: "POST /orders/1/refund -> 500".into(),
            sequence: steps(),
            confirmation: Confirmation::Confirmed,
            occurrences: 3,
            logs: (1..=14).map(|n| format!("line {n}\n")).collect(),
        }
    }

    fn check(violation: &Violation, expected: &str) {
        let command = command();
        let replay = Some(&command);
        assert_eq!(Failure { violation, replay }.text(), expected);
    }

    #[test]
    fn a_failure_shows_calls_bodies_changes_and_logs() {
        check(
            &violation(),
            r#"high: no_server_error is broken: POST /orders/1/refund -> 500
  No call is answered with a 5xx that it does not expect.

   1. create_order[amount=0]
      POST /orders -> 201
        orders#1 added: amount 0, refunded 0
   2. refund_order[note="it's"]
      POST /login -> 200
      POST /orders/1/refund -> 500
        answered <h1>\u{1b}[31mdivision by zero</h1>

  confirmed: broken again from a clean start; seen on 3 transitions
  the server's last output:
    line 1
    line 2
    line 3
    line 4
    … 2 lines …
    line 7
    line 8
    line 9
    line 10
    line 11
    line 12
    line 13
    line 14
  replay: VENOMQA_REPLAY='create_order[amount=0],refund_order[note="it'\''s"]' cargo test --test sequences -- orders::explore"#,
        );
    }

    #[test]
    fn what_did_not_happen_again_is_no_fact() {
        let violation = Violation {
            about: String::new(),
            sequence: Vec::new(),
            confirmation: Confirmation::Unconfirmed("it held from a clean start".into()),
            occurrences: 1,
            built_in: false,
            ..violation()
        };
        check(
            &violation,
            "high: no_server_error is broken: POST /orders/1/refund -> 500\n\
             \n  in the initial state, before any action\n\
             \n  UNCONFIRMED: it held from a clean start\
             \n  replay: VENOMQA_REPLAY='initial_state' cargo test --test sequences -- orders::explore",
        );
    }

    #[test]
    fn a_replay_shows_the_verdicts_where_they_were_given() {
        let breach = |after, message: &str| Breach {
            rule: "no_debt".into(),
            after,
            message: message.into(),
        };
        let replay = Replay {
            steps: steps(),
            broken: vec![breach(0, "at first"), breach(1, "then")],
            not_checked: vec![("odd".into(), "why".into())],
            stopped: Some("step 2: it does not apply".into()),
            logs: String::new(),
        };
        let mut out = Vec::new();
        ReplayedSteps { replay: &replay }.write(&mut out).unwrap();
        assert_eq!(
            String::from_utf8(out).unwrap(),
            r#"
      in the initial state: no_debt is broken: at first
   1. create_order[amount=0]
      POST /orders -> 201
        sent {"amount":0}
        answered {"id":1}
        orders#1 added: amount 0, refunded 0
      no_debt is broken: then
   2. refund_order[note="it's"]
      POST /login -> 200
      POST /orders/1/refund -> 500
        answered <h1>\u{1b}[31mdivision by zero</h1>
      stopped at step 2: it does not apply
  odd could not be checked: why"#
        );
    }
}
