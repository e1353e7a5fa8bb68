use std::path::PathBuf;
use std::sync::Arc;

use super::args::Args;
use super::regressions;
use crate::Violation;
use crate::registry::{InvariantEntry, Suite};
use crate::world::built_in_rules;

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

/// Whether a filter can be meant for a violation of this suite, which has a name only after it was found:
/// `<suite>::<rule>::<action>-<action>`.
pub(crate) fn may_name_a_violation(suite: &Suite, filter: &str, exact: bool) -> bool {
    let own = suite.invariants.iter().map(|rule| rule.name);
    let rules: Vec<_> = own.chain(built_in_rules()).collect();
    let parts: Vec<_> = filter.split("::").collect();
    if exact {
        return matches!(&*parts, [s, rule, path]
            if *s == suite.name() && rules.contains(rule) && is_part_of_a_path(suite, path));
    }
    match &*parts {
        [part] => {
            built_in_rules().any(|rule| rule.contains(part)) || is_part_of_a_path(suite, part)
        }
        [end, start] => {
            let of_suite = suite.name().ends_with(end);
            let of_rule = rules.iter().any(|rule| rule.ends_with(end));
            of_suite && built_in_rules().any(|rule| rule.starts_with(start))
                || of_rule && is_part_of_a_path(suite, start)
        }
        [end, rule, start] => {
            suite.name().ends_with(end) && rules.contains(rule) && is_part_of_a_path(suite, start)
        }
        _ => false,
    }
}

fn is_part_of_a_path(suite: &Suite, part: &str) -> bool {
    let any = |fits: &dyn Fn(&str) -> bool| suite.actions.iter().any(|a| fits(a.name));
    let pieces: Vec<_> = part.split('-').collect();
    match &*pieces {
        [] => true,
        [one] => any(&|name| name.contains(one)) || super::sequence::INITIAL_STATE.contains(one),
        [first, inner @ .., last] => {
            any(&|name| name.ends_with(first))
                && any(&|name| name.starts_with(last))
                && inner.iter().all(|piece| any(&|name| name == *piece))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry::{ActionEntry, ExplorationEntry, Place};
    use crate::{Checked, Config, Outcome, Severity, StatusRange, When, World};

    const PLACE: Place = Place {
        module: "t::shop",
        file: "t.rs",
        line: 1,
        column: 1,
    };

    const fn action(name: &'static str) -> ActionEntry {
        ActionEntry {
            name,
            function: name,
            place: PLACE,
            about: "",
            requires: &[],
            max_calls: None,
            expect: StatusRange::DEFAULT,
            may_fail: false,
            weight: 1,
            arguments: &[],
            call: |_, _| Box::pin(async { Outcome::Done }),
        }
    }

    static CREATE: ActionEntry = action("create_order");
    static REFUND: ActionEntry = action("refund_order");
    static RULE: InvariantEntry = InvariantEntry {
        name: "no_debt",
        function: "debt_free",
        place: PLACE,
        about: "",
        severity: Severity::Low,
        when: When::After,
        takes_step: false,
        call: |_| Box::pin(async { Checked::Held }),
    };
    static EXPLORATION: ExplorationEntry = ExplorationEntry {
        name: "orders",
        place: PLACE,
        config: Config::default,
        world: || Box::pin(async { Ok(World::without_api()) }),
    };

    fn suite() -> Suite {
        Suite {
            exploration: &EXPLORATION,
            actions: vec![&CREATE, &REFUND],
            invariants: vec![&RULE],
        }
    }

    #[test]
    fn a_filter_for_what_may_be_found_explores_its_suite_and_no_other() {
        let check = |filter: &str, exact: bool, expected: bool| {
            let named = may_name_a_violation(&suite(), filter, exact);
            assert_eq!(named, expected, "{filter} {exact}");
        };
        check("orders::no_debt::create_order-refund_order", true, true);
        check("orders::no_server_error::create_order", true, true);
        check("users::no_debt::create_order", true, false);
        check("orders::regressions::no_debt-0f4e4e98", true, false);
        check("orders::explore", true, false);
        check("create_order-refund_order", false, true);
        check("order-refund_order-cre", false, true);
        check("create_order-buy", false, false);
        check("no_server_error", false, true);
        check("orders::no_crash", false, true);
        check("debt::create", false, true);
        check("orders::no_debt::", false, true);
        check("users::", false, false);
        check("users::few", false, false);
        check("orders::regressions", false, false);
        check("initial_state", false, true);
    }

    #[test]
    fn tests_are_sorted_and_go_by_the_paths_of_their_functions_too() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("no_debt-1234abcd.json"), "").unwrap();
        let suites = [Arc::new(suite())];
        let tests = known(&suites, |_| folder.path().to_path_buf());
        let shown: Vec<_> = tests
            .iter()
            .map(|test| format!("{}: {}", test.name, test.aliases.join(" ")))
            .collect();
        assert_eq!(
            shown,
            [
                "orders::explore: shop::orders shop::create_order shop::refund_order",
                "orders::no_debt: shop::orders shop::debt_free",
                "orders::regressions::no_debt-1234abcd: shop::orders shop::debt_free",
            ]
        );
    }
}
