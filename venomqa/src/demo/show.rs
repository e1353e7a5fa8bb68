use std::io::{self, Write};

use anstyle::{AnsiColor, Style};

use super::checks::{Check, CheckReport};
use super::orders::Bug;
use super::promises::PROMISES;
use crate::report::{Failure, Plain, cut};
use crate::{Error, Exploration, Result, RuleReport, Violation};

/// The columns of a terminal as narrow as they come.
const WIDTH: usize = 80;

/// How much of a body is shown.
const BODY: usize = 300;

const TITLE: Style = Style::new().bold();
const GOOD: Style = AnsiColor::Green.on_default().bold();
const BAD: Style = AnsiColor::Red.on_default().bold();
const QUIET: Style = Style::new().dimmed();

/// Tells a tour to a person, on a terminal.
pub(super) struct Show<'a> {
    out: &'a mut dyn Write,
}

impl<'a> Show<'a> {
    pub(super) fn new(out: &'a mut dyn Write) -> Self {
        Self { out }
    }

    pub(super) fn welcome(&mut self, bug: Option<Bug>) -> Result<()> {
        let bug = match bug {
            Some(bug) => format!("with the bug {}", bug.name()),
            None => "without a bug".into(),
        };
        self.styled(TITLE, &format!("VenomQA demo: an order API {bug}"))?;
        self.text("")?;
        self.text("It speaks HTTP, commits to a SQLite file, and runs in a process of its own.")
    }

    pub(super) fn checks_begin(&mut self, checks: usize) -> Result<()> {
        self.text("")?;
        self.styled(TITLE, &format!("{checks} tests, one endpoint each"))?;
        self.text("Each starts the API anew, with an empty database.")
    }

    pub(super) fn check(&mut self, check: &Check, report: &CheckReport) -> Result<()> {
        let (style, verdict) = match report.verdict {
            Ok(()) => (GOOD, "passed"),
            Err(_) => (BAD, "FAILED"),
        };
        self.text("")?;
        self.styled(style, &format!("  {verdict}: {}", check.name))?;
        self.text(&format!("      {}", check.about))?;
        let mut calls = report.exchanges.iter().peekable();
        while let Some(exchange) = calls.next() {
            self.text(&format!("      {}", Plain(&exchange.to_string(), 8)))?;
            if calls.peek().is_some() {
                continue; // It only led to the call under test.
            }
            let shown = exchange.shown();
            let answered = shown
                .response
                .map_or_else(String::new, |response| response.body);
            for (what, body) in [("sent", shown.request.body), ("answered", answered)] {
                if !body.is_empty() {
                    let body = cut(&body, BODY);
                    self.styled(QUIET, &format!("        {what} {}", Plain(&body, 10)))?;
                }
            }
        }
        match &report.verdict {
            Ok(()) => Ok(()),
            Err(why) => self.text(&format!("      {}", Plain(&why.to_string(), 8))),
        }
    }

    pub(super) fn exploration_begins(&mut self) -> Result<()> {
        self.text("")?;
        self.styled(TITLE, "The same calls in every order")?;
        self.text(
            "The database is rolled back between branches, under the running API, and every rule is checked after every call.",
        )?;
        self.flush()
    }

    pub(super) fn explored(&mut self, found: &Exploration) -> Result<()> {
        let checks: u64 = users_rules(found).map(|rule| rule.checks).sum();
        self.text("")?;
        self.text(&format!(
            "  {} actions, {} rules, {}",
            found.actions.len(),
            users_rules(found).count(),
            found.ended.phrase(&found.config),
        ))?;
        self.text(&format!(
            "  {} states, {} transitions, {checks} checks of a rule, in {:.2} s",
            found.states_visited,
            found.transitions,
            found.elapsed.as_secs_f64(),
        ))?;
        for note in &found.notes {
            self.text(&format!("  note: {}", Plain(note, 4)))?;
        }
        Ok(())
    }

    pub(super) fn violation(&mut self, violation: &Violation) -> Result<()> {
        self.text("")?;
        let sequence = violation.labels().join(" -> ");
        self.styled(BAD, &format!("FOUND: {}", Plain(&sequence, 7)))?;
        self.text("")?;
        let failure = Failure {
            violation,
            replay: None,
        };
        self.text(&failure.text())?;
        let promise = PROMISES
            .iter()
            .find(|promise| promise.name == violation.rule);
        if let Some(promise) = promise {
            self.text("")?;
            self.styled(TITLE, "Why it matters")?;
            self.text(promise.why_it_matters)?;
        }
        Ok(())
    }

    /// What was covered, for a run that found nothing.
    pub(super) fn coverage(&mut self, found: &Exploration) -> Result<()> {
        self.text("")?;
        self.styled(GOOD, "NOTHING FOUND")?;
        self.text("")?;
        for action in &found.actions {
            let statuses: Vec<_> = action
                .statuses
                .iter()
                .map(|(status, times)| format!("{times} x {status}"))
                .collect();
            self.text(&format!(
                "  {:<20} called {:>3} times: {}",
                action.name,
                action.applied,
                statuses.join(", ")
            ))?;
        }
        for rule in users_rules(found) {
            self.text(&format!(
                "  {:<20} checked {} times, broken {} times",
                rule.name, rule.checks, rule.broken
            ))?;
        }
        Ok(())
    }

    pub(super) fn what_next(&mut self) -> Result<()> {
        self.text("")?;
        self.styled(TITLE, "The same for an API of your own")?;
        self.text("  1. cargo add --dev venomqa --features sqlite")?;
        self.text("  2. tests/sequences.rs: #[exploration], #[action] and #[invariant] functions")?;
        self.text("  3. cargo test --test sequences (its [[test]] entry has harness = false)")
    }

    pub(super) fn not_as_promised(&mut self, why: &str) -> Result<()> {
        self.text("")?;
        self.styled(BAD, "This is not what the demo promises")?;
        self.text(&format!("  {}", Plain(why, 2)))?;
        let issues = concat!(env!("CARGO_PKG_REPOSITORY"), "/issues");
        self.text(&format!("  please report this output: {issues}"))
    }

    fn text(&mut self, text: &str) -> Result<()> {
        self.styled(Style::new(), text)
    }

    /// One or more lines, wrapped.
    fn styled(&mut self, style: Style, text: &str) -> Result<()> {
        for line in text.split('\n').flat_map(wrapped) {
            let inside = line.trim_start();
            let indent = &line[..line.len() - inside.len()];
            writeln!(self.out, "{indent}{style}{inside}{style:#}").map_err(cannot_write)?;
        }
        Ok(())
    }

    fn flush(&mut self) -> Result<()> {
        self.out.flush().map_err(cannot_write)
    }
}

fn cannot_write(source: io::Error) -> Error {
    Error::File {
        path: "standard output".into(),
        source,
    }
}

fn users_rules(found: &Exploration) -> impl Iterator<Item = &RuleReport> {
    found.rules.iter().filter(|rule| !rule.built_in)
}

/// The line in pieces that fit a terminal, those after the first indented further, except in prose. It breaks after a space or
/// comma, and where there is none anywhere.
fn wrapped(line: &str) -> Vec<String> {
    let indent = match line.len() - line.trim_start_matches(' ').len() {
        0 => 0,
        // However far somebody else's text is indented, room is left for it.
        indent => (indent + 2).min(WIDTH / 2),
    };
    let mut pieces = Vec::new();
    let mut rest = line.to_owned();
    while let Some((end, _)) = rest.char_indices().nth(WIDTH) {
        let start = rest.len() - rest.trim_start().len();
        // The space at which it breaks may stand right behind the last column: nobody sees it.
        let space = match rest[end..].starts_with(' ') {
            true => Some(end),
            false => rest[..end].rfind(' '),
        };
        let comma = rest[..end].rfind(',').map(|at| at + 1);
        let at = space.max(comma).filter(|at| *at > start).unwrap_or(end);
        let next = format!("{:indent$}{}", "", rest[at..].trim_start());
        rest.truncate(at);
        pieces.push(std::mem::replace(&mut rest, next).trim_end().to_owned());
    }
    pieces.push(rest);
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(line: &str, pieces: &[&str]) {
        assert_eq!(wrapped(line), pieces);
    }

    #[test]
    fn a_line_breaks_between_words_and_keeps_its_indent() {
        check("", &[""]);
        let word = "a".repeat(36);
        check(
            &format!("  {word} {word} bcd"),
            &[&format!("  {word} {word} bcd")],
        );
        check(
            &format!("  {word} {word} bcdefg hi"),
            &[&format!("  {word} {word}"), "    bcdefg hi"],
        );
        check(
            &format!("  {word},{word},bcdefg"),
            &[&format!("  {word},{word},"), "    bcdefg"],
        );
    }

    #[test]
    fn a_space_behind_the_last_column_is_no_reason_to_break_earlier() {
        let full = format!("{} {}", "a".repeat(40), "b".repeat(39));
        check(&format!("{full} c"), &[&full, "c"]);
    }

    #[test]
    fn a_word_too_long_for_a_line_is_cut() {
        check(&"ü".repeat(100), &[&"ü".repeat(80), &"ü".repeat(20)]);
    }

    #[test]
    fn a_line_that_starts_beyond_the_last_column_ends() {
        let far = " ".repeat(200);
        check(&format!("{far}a"), &["", &format!("{}a", " ".repeat(40))]);
        check(&far, &["", &" ".repeat(40)]);
    }
}
