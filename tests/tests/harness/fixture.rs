use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::sync::OnceLock;

use tempfile::TempDir;
use venomqa_tests::{built, undisturbed};

pub(crate) use venomqa_tests::Run;

/// A fixture with a folder of its own for regressions and scratch files.
pub(crate) struct Fixture {
    name: &'static str,
    folder: TempDir,
    variables: Vec<(String, String)>,
}

impl Fixture {
    pub(crate) fn new(name: &'static str) -> Self {
        Self {
            name,
            folder: tempfile::tempdir().unwrap(),
            variables: Vec::new(),
        }
    }

    /// The two suites `orders`, which has a bug, and `users`.
    pub(crate) fn orders() -> Self {
        Self::new("fixture_orders")
    }

    pub(crate) fn with(mut self, variable: &str, value: &str) -> Self {
        self.variables.push((variable.into(), value.into()));
        self
    }

    pub(crate) fn path(&self, below: &str) -> PathBuf {
        self.folder.path().join(below)
    }

    /// The process with these arguments, which sees nothing of the environment that means something to the harness.
    pub(crate) fn command(&self, line: &str) -> Command {
        let mut command = undisturbed(program(self.name));
        command.args(line.split_whitespace());
        command
            .env("FIXTURE_DIR", self.folder.path())
            .env("FIXTURE_TRACE", self.path("trace"))
            .env("CARGO_TARGET_DIR", self.path("target"))
            .envs(self.variables.iter().map(|(name, value)| (name, value)));
        command
    }

    pub(crate) fn spawn(&self, line: &str) -> Child {
        self.command(line).spawn().unwrap()
    }

    pub(crate) fn run(&self, line: &str) -> Run {
        Run::of(self.spawn(line))
    }

    /// The worlds that were made, in order.
    pub(crate) fn worlds(&self) -> Vec<String> {
        let text = std::fs::read_to_string(self.path("trace")).unwrap_or_default();
        text.lines().map(Into::into).collect()
    }

    /// The files below a folder, by their paths from there.
    pub(crate) fn files(&self, below: &str) -> Vec<String> {
        let root = self.path(below);
        let mut found = Vec::new();
        collect(&root, &root, &mut found);
        found.sort();
        found
    }
}

fn collect(root: &Path, folder: &Path, found: &mut Vec<String>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(root, &path, found);
        } else {
            let below = path.strip_prefix(root).unwrap();
            found.push(below.to_string_lossy().into_owned());
        }
    }
}

/// The program of a fixture.
fn program(name: &str) -> &'static Path {
    static PROGRAMS: OnceLock<BTreeMap<String, PathBuf>> = OnceLock::new();
    let build = || {
        built(
            "test --no-run --package venomqa-tests --test fixture_orders --test fixture_empty \
             --test fixture_clashing --test fixture_large --test fixture_libtest",
        )
    };
    &PROGRAMS.get_or_init(build)[name]
}
