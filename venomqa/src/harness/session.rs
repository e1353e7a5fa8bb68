use std::collections::{BTreeMap, BTreeSet};
use std::process::ExitCode;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use libtest_mimic::{Failed, Trial};

use super::args::Args;
use super::console::Console;
use super::environment::Environment;
use super::explored::{self, Explored};
use super::folders::{Folders, file_name};
use super::lock::SuiteLock;
use super::sequence::{self, Known};
use super::share::{self, Shared};
use super::trials::{self, Kind, Test};
use super::verdicts::Verdicts;
use super::{Stop, Target, findings, replay};
use crate::registry::Suite;
use crate::report::{Failure, ReplayCommand};
use crate::{Replay, Violation};

/// One run of the test program.
#[derive(Debug)]
pub(crate) struct Session {
    target: Target,
    args: Args,
    suites: Vec<Arc<Suite>>,
    pub(super) environment: Environment,
    pub(super) folders: Folders,
    pub(super) console: Arc<Console>,
    /// Suites are executed one after the other, whatever the number of threads.
    executing: Mutex<()>,
}

/// Keeps everybody else from executing a suite.
pub(crate) struct Held<'a> {
    _in_process: MutexGuard<'a, ()>,
    _between_processes: Option<SuiteLock>,
}

type Verdict = Result<(), String>;

impl Session {
    pub(crate) fn new(
        target: Target,
        args: Args,
        environment: Environment,
        suites: Vec<Suite>,
    ) -> Self {
        Self {
            folders: Folders::of(&target),
            target,
            args,
            environment,
            suites: suites.into_iter().map(Arc::new).collect(),
            console: Arc::new(Console::stderr()),
            executing: Mutex::new(()),
        }
    }

    /// Lists the tests, or runs those that are selected.
    ///
    /// # Errors
    ///
    /// There is nothing that could be run.
    pub(crate) fn run(self) -> Result<ExitCode, Stop> {
        let tests = trials::known(&self.suites, |suite| self.folders.regressions(suite));
        if !self.args.runs() {
            let nothing = tests.iter().map(|test| Trial::test(&*test.name, || Ok(())));
            let nothing = nothing.collect();
            return Ok(libtest_mimic::run(&self.leaving_out(&tests), nothing).exit_code());
        }
        let console = Arc::clone(&self.console);
        venomqa_adapters::on_wait(move |told| console.say(told));
        for note in &self.args.notes {
            self.console.say(note);
        }
        match self.environment.replay.clone() {
            Some(sequence) => self.run_replay(tests, &sequence),
            None => Ok(self.run_tests(tests)),
        }
    }

    fn run_tests(self, mut tests: Vec<Test>) -> ExitCode {
        let mut explored = BTreeMap::new();
        for suite in &self.suites {
            if self.must_explore(suite, &tests) {
                explored.insert(suite.name(), self.explore(suite, &tests));
            }
        }
        if self.environment.nextest.is_none() {
            for suite in &self.suites {
                if let Some((Explored::Ended(exploration), _)) = explored.get(suite.name()) {
                    let found = exploration.failures();
                    tests.extend(found.map(|violation| Test::violation(suite, violation)));
                }
            }
            trials::sort(&mut tests);
        }
        let arguments = self.leaving_out(&tests);
        let selected: BTreeSet<_> = self.selected(&tests).map(|t| t.name.clone()).collect();
        if self.environment.nextest.is_none() {
            for (suite, (explored, _)) in &explored {
                if !selected.contains(&format!("{suite}::explore")) {
                    findings::tell_what_is_filtered_out(suite, explored, &self.console);
                }
            }
        }
        let context = Arc::new(Results {
            session: self,
            explored,
            selected,
        });
        let trials = tests
            .into_iter()
            .map(|test| {
                let context = Arc::clone(&context);
                let name = test.name.clone();
                Trial::test(name, move || context.session.result(context.verdict(&test)))
            })
            .collect();
        libtest_mimic::run(&arguments, trials).exit_code()
    }

    fn run_replay(self, mut tests: Vec<Test>, sequence: &str) -> Result<ExitCode, Stop> {
        tests.retain(Test::needs_exploration);
        let (mut able, mut unable) = (Vec::new(), Vec::new());
        for suite in &self.suites {
            if self.must_explore(suite, &tests) {
                match Known::of(suite).read(sequence) {
                    Ok(labels) => able.push((&**suite, labels)),
                    Err(gone) => unable.push((&**suite, gone)),
                }
            }
        }
        if able.is_empty() && !unable.is_empty() {
            return Err(sequence::unreadable(sequence, &unable));
        }
        let replays: BTreeMap<&str, Result<Replay, String>> = able
            .into_iter()
            .map(|(suite, labels)| (suite.name(), self.show_replay(suite, &labels)))
            .collect();
        tests.retain(|test| replays.contains_key(test.suite.name()));
        let arguments = self.leaving_out(&tests);
        let trials = tests.iter().map(|test| {
            let rule = match test.kind {
                Kind::Rule(rule) => Some(rule.name),
                _ => None,
            };
            let verdict = replay::verdict(&replays[test.suite.name()], rule);
            let selected = test.selected(&self.args, self.aliases_count());
            let result = if selected {
                self.result(verdict)
            } else {
                Ok(())
            };
            Trial::test(&*test.name, move || result)
        });
        let trials = trials.collect();
        Ok(libtest_mimic::run(&arguments, trials).exit_code())
    }

    fn must_explore(&self, suite: &Suite, tests: &[Test]) -> bool {
        let own = |test: &&Test| test.suite.name() == suite.name();
        let known = self
            .selected(tests)
            .filter(own)
            .any(Test::needs_exploration);
        known
            || self
                .args
                .filters
                .iter()
                .any(|filter| trials::may_name_a_violation(suite, filter, self.args.libtest.exact))
    }

    fn selected<'a>(&'a self, tests: &'a [Test]) -> impl Iterator<Item = &'a Test> {
        tests
            .iter()
            .filter(|test| test.selected(&self.args, self.aliases_count()))
    }

    fn leaving_out(&self, tests: &[Test]) -> libtest_mimic::Arguments {
        let left_out = tests
            .iter()
            .filter(|test| !test.selected(&self.args, self.aliases_count()))
            .map(|test| test.name.clone());
        self.args.leaving_out(left_out.collect())
    }

    /// nextest runs one test in each process, by its name.
    fn aliases_count(&self) -> bool {
        self.environment.nextest.is_none()
    }

    /// What exploring a suite found, and whether it was explored here and not by another process of the run.
    fn explore(&self, suite: &Suite, tests: &[Test]) -> (Explored, bool) {
        let held = self.hold(suite);
        let Some(nextest) = &self.environment.nextest else {
            return (self.explore_here(suite), true);
        };
        let Some(key) = &nextest.run else {
            return (self.explore_here(suite), true);
        };
        let shared = Shared::of(&self.folders.run(key), &file_name(suite.name()));
        let Some(explored) = shared.read(suite.name()) else {
            share::remove_old(&self.folders.runs(), SystemTime::now());
            let unshared = |error| {
                self.console.say(format_args!(
                    "{}: the result cannot be shared with the other tests: {error}",
                    suite.name()
                ));
            };
            let _ = shared.start().map_err(unshared);
            let explored = self.explore_here(suite);
            let _ = shared.finish(&explored).map_err(unshared);
            return (explored, true);
        };
        drop(held);
        let test = self.selected(tests).next();
        let explored = match test.map(|test| &test.kind) {
            Some(Kind::Rule(rule)) if nextest.attempt > 1 => {
                self.look_again(suite, explored, Some(rule.name))
            }
            Some(Kind::Explore) if nextest.attempt > 1 => self.look_again(suite, explored, None),
            _ => explored,
        };
        (explored, false)
    }

    fn explore_here(&self, suite: &Suite) -> Explored {
        let config = self.environment.over((suite.exploration.config)());
        // nextest shows what is printed with the test, which tells its findings in full.
        let stream = self.environment.nextest.is_none();
        let explored = explored::explore(suite, config, &self.console, stream);
        let replay = self.replay_command(suite);
        findings::tell(suite, &explored, &replay, &self.console);
        findings::keep(
            suite,
            &explored,
            &self.environment,
            &self.folders,
            &self.console,
        );
        findings::tell_github(&[(suite, &explored)], &self.environment, &self.console);
        explored
    }

    /// Waits until nobody else executes the suite.
    pub(super) fn hold(&self, suite: &Suite) -> Held<'_> {
        let in_process = self
            .executing
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let path = self.folders.lock(self.target.crate_name, suite.name());
        let lock = SuiteLock::take(&path, suite.name(), &self.console);
        let lock = lock.map_err(|error| {
            // As in a read-only checkout: the locks of the databases are still there.
            self.console.say(format_args!(
                "{}: no lock between processes: {}: {error}",
                suite.name(),
                path.display()
            ));
        });
        Held {
            _in_process: in_process,
            _between_processes: lock.ok(),
        }
    }

    /// The command that executes a sequence of this suite again.
    pub(super) fn replay_command(&self, suite: &Suite) -> ReplayCommand {
        let mut others = self.suites.iter().map(|other| other.name());
        ReplayCommand {
            target: self.folders.target_name(self.target.crate_name),
            suite: suite.name().into(),
            exact: others.any(|other| other != suite.name() && other.ends_with(suite.name())),
        }
    }

    /// The verdict as libtest-mimic takes it.
    fn result(&self, verdict: Verdict) -> Result<(), Failed> {
        verdict.map_err(|text| {
            if self.environment.nextest.is_none() {
                return text.into();
            }
            // nextest lifts this into JUnit's message, and would show a message of libtest-mimic's a second time.
            self.console.say(format_args!("Error: {text}"));
            Failed::without_message()
        })
    }
}

/// What the tests are judged by.
struct Results {
    session: Session,
    /// By suite: what was found, and whether it was explored in this process.
    explored: BTreeMap<&'static str, (Explored, bool)>,
    /// The names of the tests that are run.
    selected: BTreeSet<String>,
}

impl Results {
    fn verdict(&self, test: &Test) -> Verdict {
        let suite = &test.suite;
        let replay = self.session.replay_command(suite);
        match &test.kind {
            Kind::Regression(path) => return self.session.regression(suite, path),
            Kind::Violation(violation) => {
                let replay = &replay;
                return Err(Failure {
                    violation,
                    replay: Some(replay),
                }
                .text());
            }
            Kind::Explore | Kind::Rule(_) => {}
        }
        let Some((explored, here)) = self.explored.get(suite.name()) else {
            return Err("not explored".into());
        };
        let told_elsewhere = |violation: &Violation| {
            let name = Test::violation(suite, violation).name;
            self.session.environment.nextest.is_none() && self.selected.contains(&name)
        };
        let verdicts = Verdicts {
            explored,
            replay: &replay,
            in_full: &|violation| !told_elsewhere(violation),
        };
        match &test.kind {
            Kind::Rule(rule) => verdicts.rule(rule, self.tells_why(test, *here)),
            _ => verdicts.explore(),
        }
    }

    /// Whether this test, rather than the suite's `explore`, tells in full why nothing was explored.
    fn tells_why(&self, test: &Test, here: bool) -> bool {
        if self.session.environment.nextest.is_some() {
            return here;
        }
        let own = format!("{}::", test.suite.name());
        let mut own = self.selected.iter().filter(|name| name.starts_with(&own));
        let explore = format!("{}::explore", test.suite.name());
        !self.selected.contains(&explore) && own.next() == Some(&test.name)
    }
}
