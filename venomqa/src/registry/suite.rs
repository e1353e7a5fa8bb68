use std::sync::Arc;

use super::problems::Problems;
use super::{ActionEntry, ExplorationEntry, InvariantEntry, Place};
use crate::{Action, Agent, Config, Invariant, Result, World};

/// One exploration with the actions and the invariants that belong to it.
///
/// A function belongs to the nearest exploration at or above its module. Several explorations in one module share their functions:
/// the same actions over different worlds.
#[derive(Debug)]
pub(crate) struct Suite {
    pub(crate) exploration: &'static ExplorationEntry,
    /// In the order of the source.
    pub(crate) actions: Vec<&'static ActionEntry>,
    /// In the order of the source.
    pub(crate) invariants: Vec<&'static InvariantEntry>,
}

impl Suite {
    /// All suites that are linked into this program, sorted by name.
    ///
    /// # Errors
    ///
    /// What was registered makes no suites: every problem is told, with the places in the source.
    pub(crate) fn all() -> Result<Vec<Self>> {
        Self::group(
            inventory::iter::<ExplorationEntry>.into_iter().collect(),
            inventory::iter::<ActionEntry>.into_iter().collect(),
            inventory::iter::<InvariantEntry>.into_iter().collect(),
        )
    }

    fn group(
        mut explorations: Vec<&'static ExplorationEntry>,
        mut actions: Vec<&'static ActionEntry>,
        mut invariants: Vec<&'static InvariantEntry>,
    ) -> Result<Vec<Self>> {
        // The order of registration is unspecified. Functions that a macro of the user's made share a line and a column.
        explorations.sort_by_key(|entry| (entry.name, entry.place.in_source()));
        actions.sort_by_key(|entry| (entry.place.in_source(), entry.name));
        invariants.sort_by_key(|entry| (entry.place.in_source(), entry.name));
        let mut problems = Problems::default();
        if explorations.is_empty() {
            problems.no_exploration(actions.len() + invariants.len());
        }
        problems.twice("suite", explorations.iter().map(|e| (e.name, e.place)));
        let owners = |place: Place| owners(&explorations, place);
        for (kind, name, place) in actions
            .iter()
            .map(|a| ("action", a.name, a.place))
            .chain(invariants.iter().map(|i| ("invariant", i.name, i.place)))
        {
            if !explorations.is_empty() && owners(place).is_empty() {
                problems.orphan(kind, name, place);
            }
        }
        let suites: Vec<Self> = explorations
            .iter()
            .map(|&exploration| {
                let owns = |place| owners(place).contains(&exploration.place);
                Self {
                    exploration,
                    actions: actions.iter().copied().filter(|a| owns(a.place)).collect(),
                    invariants: invariants
                        .iter()
                        .copied()
                        .filter(|i| owns(i.place))
                        .collect(),
                }
            })
            .collect();
        for suite in &suites {
            problems.of_suite(suite);
        }
        problems.into_result()?;
        Ok(suites)
    }

    pub(crate) fn name(&self) -> &'static str {
        self.exploration.name
    }

    /// Its explorer in this world.
    pub(crate) fn agent(&self, world: World, config: Config) -> Agent {
        let mut agent = Agent::new(world).config(config);
        for action in self.instances() {
            agent = agent.action(action);
        }
        for entry in &self.invariants {
            agent = agent.invariant(invariant(entry));
        }
        agent
    }

    /// Its actions, one for each combination of their arguments.
    pub(crate) fn instances(&self) -> impl Iterator<Item = Action> {
        self.actions.iter().flat_map(|entry| instances(entry))
    }
}

impl Place {
    fn in_source(self) -> (&'static str, u32, u32) {
        (self.file, self.line, self.column)
    }

    /// `tests/sequences.rs:12`.
    pub(crate) fn shown(self) -> String {
        format!("{}:{}", self.file, self.line)
    }

    /// The path of a function here without the crate, as rust-analyzer asks for it.
    pub(crate) fn path_of(self, function: &str) -> String {
        match self.module.split_once("::") {
            Some((_, module)) => format!("{module}::{function}"),
            None => function.to_owned(),
        }
    }

    fn is_at_or_below(self, module: &str) -> bool {
        self.module
            .strip_prefix(module)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
    }
}

/// The places of the nearest explorations at or above this place's module.
fn owners(explorations: &[&'static ExplorationEntry], place: Place) -> Vec<Place> {
    let above = || {
        explorations
            .iter()
            .map(|e| e.place)
            .filter(|owner| place.is_at_or_below(owner.module))
    };
    let nearest = above().map(|owner| owner.module.len()).max();
    above()
        .filter(|owner| Some(owner.module.len()) == nearest)
        .collect()
}

fn instances(entry: &'static ActionEntry) -> Vec<Action> {
    let mut chosen: Vec<Vec<usize>> = vec![Vec::new()];
    for argument in entry.arguments {
        chosen = chosen
            .iter()
            .flat_map(|before| {
                (0..argument.values.len()).map(|value| {
                    let mut with = before.clone();
                    with.push(value);
                    with
                })
            })
            .collect();
    }
    chosen
        .into_iter()
        .map(|chosen| instance(entry, chosen))
        .collect()
}

fn instance(entry: &'static ActionEntry, chosen: Vec<usize>) -> Action {
    let shown: Vec<_> = entry
        .arguments
        .iter()
        .zip(&chosen)
        .map(|(argument, &value)| format!("{}={}", argument.name, argument.values[value]))
        .collect();
    let call = entry.call;
    let mut action = if shown.is_empty() {
        Action::of_parts(entry.name, move |parts| call(parts, &[]))
    } else {
        let chosen: Arc<[usize]> = chosen.into();
        Action::of_parts(entry.name, move |parts| {
            let chosen = Arc::clone(&chosen);
            Box::pin(async move { call(parts, &chosen).await })
        })
        .arguments(&shown.join(", "))
    };
    entry.about.clone_into(&mut action.about);
    action.requires = entry.requires.iter().map(|&key| key.into()).collect();
    action.max_calls = entry.max_calls;
    action.expect = entry.expect.to_vec();
    action.may_fail = entry.may_fail;
    action.weight = entry.weight;
    action
}

fn invariant(entry: &'static InvariantEntry) -> Invariant {
    let mut invariant = Invariant::of_parts(entry.name, entry.call)
        .severity(entry.severity)
        .when(entry.when)
        .about(entry.about);
    invariant.takes_step = entry.takes_step;
    invariant
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry::ValuesArgument;
    use crate::{Checked, Outcome, Severity, StatusRange, When};

    const fn place(module: &'static str, line: u32) -> Place {
        Place {
            module,
            file: "tests/t.rs",
            line,
            column: 1,
        }
    }

    fn exploration(name: &'static str, module: &'static str) -> &'static ExplorationEntry {
        Box::leak(Box::new(ExplorationEntry {
            name,
            place: place(module, 1),
            config: Config::default,
            world: || Box::pin(async { Ok(World::without_api()) }),
        }))
    }

    fn action(
        name: &'static str,
        module: &'static str,
        line: u32,
        arguments: &'static [ValuesArgument],
    ) -> &'static ActionEntry {
        Box::leak(Box::new(ActionEntry {
            name,
            function: name,
            place: place(module, line),
            about: "",
            requires: &["id"],
            max_calls: Some(2),
            expect: StatusRange::DEFAULT,
            may_fail: true,
            weight: 3,
            arguments,
            call: |_, _| Box::pin(async { Outcome::Done }),
        }))
    }

    fn rule(name: &'static str, module: &'static str, line: u32) -> &'static InvariantEntry {
        Box::leak(Box::new(InvariantEntry {
            name,
            function: name,
            place: place(module, line),
            about: "About it.",
            severity: Severity::High,
            when: When::Both,
            takes_step: true,
            call: |_| Box::pin(async { Checked::Held }),
        }))
    }

    /// `expected`: suites with their actions and rules, or what the error says.
    fn check(
        explorations: &[&'static ExplorationEntry],
        actions: &[&'static ActionEntry],
        rules: &[&'static InvariantEntry],
        expected: &str,
    ) {
        let names = match Suite::group(explorations.to_vec(), actions.to_vec(), rules.to_vec()) {
            Ok(suites) => suites
                .iter()
                .map(|suite| {
                    let actions: Vec<_> = suite.actions.iter().map(|a| a.name).collect();
                    let rules: Vec<_> = suite.invariants.iter().map(|i| i.name).collect();
                    format!(
                        "{}: {} / {}",
                        suite.name(),
                        actions.join(" "),
                        rules.join(" ")
                    )
                })
                .collect::<Vec<_>>()
                .join("; "),
            Err(error) => error.to_string(),
        };
        assert!(names.contains(expected), "{names}");
    }

    #[test]
    fn a_function_belongs_to_the_nearest_exploration_above() {
        check(
            &[exploration("outer", "t"), exploration("inner", "t::a")],
            &[
                action("deep", "t::a::b", 9, &[]),
                action("near", "t::a", 8, &[]),
                action("far", "t::ab", 7, &[]),
            ],
            &[rule("top", "t", 6)],
            "inner: near deep / ; outer: far / top",
        );
    }

    #[test]
    fn explorations_of_one_module_share_their_functions() {
        check(
            &[exploration("postgres", "t"), exploration("sqlite", "t")],
            &[action("a", "t", 2, &[])],
            &[rule("r", "t", 3)],
            "postgres: a / r; sqlite: a / r",
        );
    }

    #[test]
    fn what_makes_no_suite_is_told_with_its_places() {
        let suite = exploration("orders", "t");
        let one = action("a", "t", 2, &[]);
        check(&[], &[], &[], "add `use my_crate as _;`");
        check(&[], &[one], &[], "there is no `#[exploration]`, but 1");
        check(
            &[suite],
            &[],
            &[],
            "suite `orders` (tests/t.rs:1) has no actions",
        );
        check(
            &[suite],
            &[one, action("lost", "other", 5, &[])],
            &[],
            "action `lost` (tests/t.rs:5) belongs to no suite",
        );
        check(
            &[suite],
            &[one, action("a", "t::b", 7, &[])],
            &[],
            "two actions are named `a`: tests/t.rs:2 and tests/t.rs:7",
        );
        check(
            &[suite],
            &[one],
            &[rule("r", "t", 4), rule("r", "t::b", 8)],
            "two invariants are named `r`: tests/t.rs:4 and tests/t.rs:8",
        );
        check(
            &[suite, exploration("orders", "t::b")],
            &[one, action("b", "t::b", 3, &[])],
            &[],
            "two suites are named `orders`: tests/t.rs:1 and tests/t.rs:1",
        );
    }

    #[test]
    fn arguments_make_one_action_for_each_combination() {
        const ARGUMENTS: &[ValuesArgument] = &[
            ValuesArgument {
                name: "a",
                values: &["0", "1"],
            },
            ValuesArgument {
                name: "b",
                values: &["\"x\"", "\"y\""],
            },
        ];
        let made = instances(action("create", "t", 2, ARGUMENTS));
        let labels: Vec<_> = made.iter().map(|action| action.label.as_str()).collect();
        assert_eq!(
            labels,
            [
                "create[a=0, b=\"x\"]",
                "create[a=0, b=\"y\"]",
                "create[a=1, b=\"x\"]",
                "create[a=1, b=\"y\"]"
            ]
        );
        for action in made {
            assert_eq!(action.name, "create");
            assert_eq!((action.max_calls, action.weight), (Some(2), 3));
            assert!(action.may_fail);
            assert_eq!(action.requires, ["id"]);
        }
    }

    #[test]
    fn an_invariant_keeps_what_was_said_of_it() {
        let made = invariant(rule("r", "t", 1));
        assert_eq!((made.severity, made.when), (Severity::High, When::Both));
        assert_eq!((made.about.as_str(), made.takes_step), ("About it.", true));
    }

    #[test]
    fn the_path_of_a_function_leaves_the_crate_out() {
        assert_eq!(place("t::a::b", 1).path_of("f"), "a::b::f");
        assert_eq!(place("t", 1).path_of("f"), "f");
    }
}
