use std::fs::File;
use std::io::Write as _;

use super::console::Console;
use super::environment::{Environment, Update};
use super::explored::Explored;
use super::folders::Folders;
use super::regressions::Regression;
use crate::registry::Suite;
use crate::report::{
    Annotation, Failure, Plain, ReplayCommand, SummaryRow, first_line, write_annotations,
    write_summary,
};
use crate::{Exploration, Violation};

/// Tells of one explored suite what no test result tells: what was done, what the reader must know before trusting it, and the
/// violations that do not fail the run.
pub(crate) fn tell(suite: &Suite, explored: &Explored, replay: &ReplayCommand, console: &Console) {
    let name = suite.name();
    let exploration = match explored {
        Explored::Failed(why) => {
            console.say(format_args!("{name}: {}", Plain(&first_line(why), 4)));
            return;
        }
        Explored::Ended(exploration) => exploration,
    };
    console.say(format_args!("{name}: {}", in_short(exploration)));
    for system in &exploration.systems {
        let text = format!("{} goes back by {}", system.name, system.mechanism);
        console.say(format_args!("{name}: {}", Plain(&text, 4)));
    }
    for divergence in &exploration.diverged {
        let text = divergence.to_string();
        console.say(format_args!("{name}: diverged: {}", Plain(&text, 4)));
    }
    for note in &exploration.notes {
        console.say(format_args!("{name}: note: {}", Plain(note, 4)));
    }
    for violation in not_failing(exploration) {
        let text = Failure {
            violation,
            replay: Some(replay),
        }
        .text();
        console.say(format_args!(
            "{name}: below `fail_on`, so the run stays green:\n{text}"
        ));
    }
}

/// Tells what the test `explore` would say if the filter had not left it out.
pub(crate) fn tell_what_is_filtered_out(suite: &str, explored: &Explored, console: &Console) {
    let Explored::Ended(exploration) = explored else {
        return;
    };
    let shortcomings = exploration.shortcomings();
    if let Some(first) = shortcomings.first() {
        let more = match shortcomings.len() - 1 {
            0 => String::new(),
            more => format!(" (and {more} more)"),
        };
        let first = first_line(first);
        console.say(format_args!(
            "{suite}: note: the test `explore`, which the filter leaves out, fails: {}{more}",
            Plain(&first, 4)
        ));
    }
}

/// The first line of the summary.
fn in_short(exploration: &Exploration) -> String {
    first_line(&exploration.summary())
}

fn not_failing(exploration: &Exploration) -> impl Iterator<Item = &Violation> {
    exploration
        .violations
        .iter()
        .filter(|violation| violation.severity < exploration.config.fail_on)
}

/// Keeps the confirmed violations as regressions, and says where.
pub(crate) fn keep(
    suite: &Suite,
    explored: &Explored,
    environment: &Environment,
    folders: &Folders,
    console: &Console,
) {
    let Explored::Ended(exploration) = explored else {
        return;
    };
    let checked_in = folders.regressions(suite.name());
    let (folder, over) = match environment.update {
        Update::No => return,
        Update::Always => (checked_in.clone(), true),
        Update::Auto if environment.ci => (folders.new_regressions(suite.name()), true),
        Update::Auto => (checked_in.clone(), false),
    };
    // Rules are checked in the initial state by every run anyway.
    let worth_keeping =
        |violation: &&Violation| violation.is_confirmed() && !violation.sequence.is_empty();
    for violation in exploration.failures().filter(worth_keeping) {
        let regression = Regression::of(violation);
        if folder != checked_in && checked_in.join(regression.file_name()).exists() {
            continue;
        }
        match regression.write(&folder, over) {
            Ok(None) => {}
            Ok(Some(path)) if folder != checked_in => console.say(format_args!(
                "{}: regression written to {}; check it in as venomqa-regressions/{}/{}",
                suite.name(),
                folders.shown(&path),
                suite.name(),
                regression.file_name(),
            )),
            Ok(Some(path)) => console.say(format_args!(
                "{}: regression written to {}; check it in",
                suite.name(),
                folders.shown(&path)
            )),
            Err(error) => console.say(format_args!(
                "{}: the regression could not be written to {}: {error}",
                suite.name(),
                folders.shown(&folder)
            )),
        }
    }
}

/// Tells GitHub, if it listens.
pub(crate) fn tell_github(
    explored: &[(&Suite, &Explored)],
    environment: &Environment,
    console: &Console,
) {
    if environment.github {
        let annotations: Vec<_> = explored
            .iter()
            .flat_map(|(suite, explored)| annotations(suite, explored))
            .collect();
        console.with(|out| write_annotations(out, &annotations));
    }
    if let Some(path) = &environment.github_summary
        && !explored.is_empty()
    {
        let rows: Vec<_> = explored
            .iter()
            .map(|(suite, explored)| summary_row(suite, explored))
            .collect();
        // Written at once: several processes append to it.
        let mut table = Vec::new();
        let written = write_summary(&mut table, &rows).and_then(|()| {
            let mut file = File::options().create(true).append(true).open(path)?;
            file.write_all(&table)
        });
        if let Err(error) = written {
            console.say(format_args!("GITHUB_STEP_SUMMARY: {path}: {error}"));
        }
    }
}

fn annotations<'a>(suite: &'a Suite, explored: &'a Explored) -> Vec<Annotation<'a>> {
    let of_suite = |title: String, message: String| Annotation {
        file: suite.exploration.place.file,
        line: suite.exploration.place.line,
        title,
        message,
    };
    let exploration = match explored {
        Explored::Failed(why) => {
            return vec![of_suite(
                format!("{}: not explored", suite.name()),
                first_line(why),
            )];
        }
        Explored::Ended(exploration) => exploration,
    };
    let broken = exploration.failures().map(|violation| {
        let title = format!(
            "{}: {} {} is broken",
            suite.name(),
            violation.severity,
            violation.rule
        );
        let sequence = match &*violation.labels() {
            [] => "in the initial state".into(),
            labels => labels.join(" -> "),
        };
        let message = format!("{}\n{sequence}", first_line(&violation.message));
        let rule = suite
            .invariants
            .iter()
            .find(|rule| rule.name == violation.rule && !violation.built_in);
        match rule {
            Some(rule) => Annotation {
                file: rule.place.file,
                line: rule.place.line,
                title,
                message,
            },
            None => of_suite(title, message),
        }
    });
    let shortcomings = exploration.shortcomings().into_iter().map(|shortcoming| {
        let title = format!("{}: explored less than it seems", suite.name());
        of_suite(title, first_line(&shortcoming))
    });
    broken.chain(shortcomings).collect()
}

fn summary_row(suite: &Suite, explored: &Explored) -> SummaryRow {
    let suite = suite.name().to_owned();
    match explored {
        Explored::Failed(why) => SummaryRow {
            suite,
            failed: true,
            explored: "nothing".into(),
            findings: vec![first_line(why)],
        },
        Explored::Ended(exploration) => {
            let broken = exploration.violations.iter().map(|violation| {
                format!(
                    "{} {}: {} ({})",
                    violation.severity,
                    violation.rule,
                    first_line(&violation.message),
                    violation.path()
                )
            });
            let shortcomings = exploration.shortcomings();
            SummaryRow {
                suite,
                failed: exploration.failures().next().is_some() || !shortcomings.is_empty(),
                explored: in_short(exploration),
                findings: broken
                    .chain(shortcomings.iter().map(|text| first_line(text)))
                    .collect(),
            }
        }
    }
}
