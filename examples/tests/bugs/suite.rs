use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::thread::ScopedJoinHandle;

use venomqa_tests::{Run, built, undisturbed};

/// A suite whose server can be given bugs.
pub(crate) struct Suite {
    /// The test target.
    pub(crate) target: &'static str,
    /// The name of its exploration.
    pub(crate) name: &'static str,
    /// Its rules, each a test of its own.
    pub(crate) rules: &'static [&'static str],
    /// The depth to which it is explored completely.
    pub(crate) depth: u32,
    /// The variable that switches bugs on.
    pub(crate) variable: &'static str,
    /// How cargo is told to build it.
    pub(crate) build: &'static str,
    /// What the n-th run finds in its environment besides: databases of its own. The folder is too.
    pub(crate) environment: fn(n: usize, folder: &Path) -> Vec<(&'static str, String)>,
}

/// What is found with a bug: the rule that is broken, and the shortest sequence of calls that breaks it.
pub(crate) type Expected = (&'static str, &'static str);

impl Suite {
    /// Runs the suite with each bug, and checks that it finds what is expected and nothing else.
    pub(crate) fn finds(&self, bugs: &[(&str, Expected)]) {
        let names: Vec<_> = bugs.iter().map(|(bug, _)| *bug).collect();
        for ((bug, expected), run) in bugs.iter().zip(self.runs(&names)) {
            self.found(bug, *expected, &run.ends_with(101));
        }
    }

    fn found(&self, bug: &str, (rule, sequence): Expected, run: &Run) {
        let violation = format!("{}::{rule}::{sequence}", self.name);
        // A rule of VenomQA's own, which a crash breaks, counts under `explore`.
        let broken = if self.rules.contains(&rule) {
            rule
        } else {
            "explore"
        };
        let broken = format!("{}::{broken}", self.name);
        let mut results: Vec<_> = self
            .tests()
            .map(|test| match test == broken {
                true => format!("{test} FAILED"),
                false => format!("{test} ok"),
            })
            .chain([format!("{violation} FAILED")])
            .collect();
        results.sort();
        assert_eq!(run.results(), results, "{bug}: {}", run.stdout);

        let (explored, ended) = explored(run);
        assert!(explored.ends_with(", 1 violation"), "{bug}: {explored}");
        assert_eq!(ended, self.complete(), "{bug}");
        let details = format!("\n---- {violation} ----\n");
        let (_, told) = run.stdout.split_once(&details).expect("its details");
        let confirmed = "\n  confirmed: broken again from a clean start";
        assert!(told.contains(confirmed), "{bug}: {told}");
    }

    /// Runs the suite without a bug, said in each of these ways, and checks that all is well and this much is explored.
    pub(crate) fn holds(&self, without: &[&str], figures: &str) {
        for run in self.runs(without) {
            let run = run.ends_with(0);
            let results: Vec<_> = self.tests().map(|test| format!("{test} ok")).collect();
            assert_eq!(run.results(), results, "{}", run.stdout);
            let figures = format!("{}: {figures}, 0 violations", self.name);
            assert_eq!(explored(&run), (&*figures, &*self.complete()));
        }
    }

    /// The tests that the suite always has, in the order in which they are reported.
    fn tests(&self) -> impl Iterator<Item = String> {
        let mut names: Vec<_> = self.rules.iter().chain(&["explore"]).collect();
        names.sort();
        names
            .into_iter()
            .map(|name| format!("{}::{name}", self.name))
    }

    fn complete(&self) -> String {
        format!("complete to depth {}", self.depth)
    }

    /// Runs the suite with each of these bugs, two processes at a time.
    pub(crate) fn runs(&self, bugs: &[&str]) -> Vec<Run> {
        static MACHINE: Mutex<()> = Mutex::new(());
        let _alone = MACHINE.lock().unwrap_or_else(PoisonError::into_inner);
        let waiting = Mutex::new(bugs.iter().enumerate());
        let next = || waiting.lock().unwrap().next();
        let work = || {
            std::iter::from_fn(next)
                .map(|(n, bug)| (n, self.run(n, bug)))
                .collect()
        };
        let mut runs: Vec<_> = std::thread::scope(|scope| {
            let workers: [ScopedJoinHandle<'_, Vec<_>>; 2] = [(); 2].map(|()| scope.spawn(work));
            workers
                .into_iter()
                .flat_map(|worker| worker.join().unwrap())
                .collect()
        });
        runs.sort_by_key(|(n, _)| *n);
        runs.into_iter().map(|(_, run)| run).collect()
    }

    /// The suite, in a process of its own, with databases and a folder for scratch files of its own.
    fn run(&self, n: usize, bug: &str) -> Run {
        let folder = tempfile::tempdir().unwrap();
        let child = undisturbed(self.program())
            .env(self.variable, bug)
            .envs((self.environment)(n, folder.path()))
            .env("CARGO_TARGET_DIR", folder.path())
            .env("VENOMQA_UPDATE", "no")
            // A busy machine finds the same.
            .env("VENOMQA_BUDGET", "10m")
            .spawn()
            .unwrap();
        Run::of(child)
    }

    fn program(&self) -> PathBuf {
        static PROGRAMS: Mutex<BTreeMap<&str, PathBuf>> = Mutex::new(BTreeMap::new());
        let mut programs = PROGRAMS.lock().unwrap_or_else(PoisonError::into_inner);
        let (target, options) = (self.target, self.build);
        let build = || built(&format!("test --no-run --test {target} {options}"))[target].clone();
        programs.entry(target).or_insert_with(build).clone()
    }
}

/// What was explored and why it ended, without the time that it took.
fn explored(run: &Run) -> (&str, &str) {
    let summary = |line: &&str| line.contains(" transitions, depth ");
    let line = run.stderr.lines().find(summary);
    let (explored, rest) = line.and_then(|line| line.split_once(" in ")).unwrap();
    (explored, rest.split_once(": ").unwrap().1)
}
