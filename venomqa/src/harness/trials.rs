use std::path::PathBuf;
use std::sync::Arc;

use super::args::Args;
use super::regressions;
use crate::Violation;
use crate::registry::{InvariantEntry, Suite};

/// One test of the list.
#[derive(Clone, Debug)]
pub(crate) struct Test {
    /// Its whole name.
    pub(crate) name: String,
    pub(crate) suite: Arc<Suite>,
    pub(crate) kind: Kind,
    /// The paths of the functions that it tests, by which editors ask for it.
    aliases: Vec<String>,
}

/// What a test is about.
#[derive(Clone, Debug)]
pub(crate) enum Kind {
    /// The exploration as such, and VenomQA's own rules.
    Explore,
    /// One rule of the user's.
    Rule(&'static InvariantEntry),
    /// One violation that this run found.
    Violation(Box<Violation>),
    /// A sequence that once broke a rule.
    Regression(PathBuf),
}

/// The tests that are known before anything runs, sorted by name.
pub(crate) fn known(suites: &[Arc<Suite>], folder: impl Fn(&str) -> PathBuf) -> Vec<Test> {
    let mut tests: Vec<_> = suites
        .iter()
        .flat_map(|suite| {
            let explore = std::iter::once(Test::of(suite, "explore", Kind::Explore));
            let rules = suite
                .invariants
                .iter()
                .map(|rule| Test::of(suite, rule.name, Kind::Rule(rule)));
            let regressions =
                regressions::listed(&folder(suite.name()))
                    .into_iter()
                    .map(|(stem, path)| {
                        let name = format!("{}::{stem}", regressions::GROUP);
                        Test::of(suite, &name, Kind::Regression(path))
                    });
            explore.chain(rules).chain(regressions).collect::<Vec<_>>()
        })
        .collect();
    sort(&mut tests);
    tests
}

/// The order in which tests are listed and reported.
pub(crate) fn sort(tests: &mut [Test]) {
    tests.sort_by(|a, b| a.name.cmp(&b.name));
}

impl Test {
    fn of(suite: &Arc<Suite>, name: &str, kind: Kind) -> Self {
        Self {
            name: format!("{}::{name}", suite.name()),
            aliases: aliases(suite, &kind),
            suite: Arc::clone(suite),
            kind,
        }
    }

    /// The test of a violation that was found.
    pub(crate) fn violation(suite: &Arc<Suite>, violation: &Violation) -> Self {
        let name = format!("{}::{}", violation.rule, violation.path());
        Self::of(suite, &name, Kind::Violation(Box::new(violation.clone())))
    }

    /// Whether the arguments select it. Where each process runs one test, a name means that one test and no alias counts.
    pub(crate) fn selected(&self, args: &Args, aliases_count: bool) -> bool {
        let aliases = if aliases_count { &*self.aliases } else { &[] };
        args.select(&self.name, aliases)
    }

    /// Whether its result is read off an exploration of its suite.
    pub(crate) fn needs_exploration(&self) -> bool {
        matches!(self.kind, Kind::Explore | Kind::Rule(_))
    }
}

fn aliases(suite: &Suite, kind: &Kind) -> Vec<String> {
    let exploration = suite.exploration;
    let mut paths = vec![exploration.place.path_of(exploration.name)];
    let rule_named = |name: &str| suite.invariants.iter().find(|rule| rule.name == name);
    let rule = match kind {
        Kind::Explore => {
            let actions = suite.actions.iter();
            paths.extend(actions.map(|action| action.place.path_of(action.function)));
            None
        }
        Kind::Rule(rule) => Some(rule),
        Kind::Violation(violation) => {
            let in_sequence = |name: &str| violation.sequence.iter().any(|s| s.action == name);
            let actions = suite.actions.iter().filter(|a| in_sequence(a.name));
            paths.extend(actions.map(|action| action.place.path_of(action.function)));
            rule_named(&violation.rule)
        }
        Kind::Regression(path) => path
            .file_stem()
            .and_then(|stem| stem.to_str()?.rsplit_once('-'))
            .and_then(|(rule, _)| rule_named(rule)),
    };
    paths.extend(rule.map(|rule| rule.place.path_of(rule.function)));
    paths
}

/// Whether a filter can be meant for a violation of this suite, which has a name only after it was found.
pub(crate) fn may_name_a_violation(suite: &Suite, filter: &str, exact: bool) -> bool {
    let own = format!("{}::", suite.name());
    if exact {
        return filter.strip_prefix(&own).is_some_and(|rest| {
            rest.split_once("::")
                .is_some_and(|(rule, _)| rule != regressions::GROUP)
        });
    }
    let (head, path) = filter.rsplit_once("::").unwrap_or(("", filter));
    if head == regressions::GROUP || head.ends_with(&format!("::{}", regressions::GROUP)) {
        return false;
    }
    let of_this_suite = match head.rsplit_once("::") {
        Some((suites, _)) => suite.name().ends_with(suites),
        // A rule, possibly cut at its beginning, of which VenomQA's own are not known here.
        None => true,
    };
    of_this_suite && is_part_of_a_path(suite, path)
}

fn is_part_of_a_path(suite: &Suite, part: &str) -> bool {
    let any = |fits: &dyn Fn(&str) -> bool| suite.actions.iter().any(|a| fits(a.name));
    let pieces: Vec<_> = part.split('-').collect();
    match &*pieces {
        [] => true,
        [one] => any(&|name| name.contains(one)) || super::environment::INITIAL_STATE.contains(one),
        [first, inner @ .., last] => {
            any(&|name| name.ends_with(first))
                && any(&|name| name.starts_with(last))
                && inner.iter().all(|piece| any(&|name| name == *piece))
        }
    }
}
