use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::OnceLock;

use serde_json::Value;
use tempfile::TempDir;

/// A fixture with a folder of its own for regressions and scratch files.
pub(crate) struct Fixture {
    name: &'static str,
    folder: TempDir,
    variables: Vec<(String, String)>,
}

/// What a process did.
pub(crate) struct Run {
    pub(crate) status: ExitStatus,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
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
        let mut command = Command::new(program(self.name));
        command.args(line.split_whitespace());
        for (name, _) in std::env::vars_os() {
            let name = name.to_string_lossy();
            let ours = ["VENOMQA_", "NEXTEST", "GITHUB_", "FIXTURE"];
            if ours.iter().any(|prefix| name.starts_with(prefix))
                || name == "CI"
                || name == "RUST_TEST_THREADS"
            {
                command.env_remove(&*name);
            }
        }
        command
            .env("FIXTURE_DIR", self.folder.path())
            .env("FIXTURE_TRACE", self.path("trace"))
            .env("CARGO_TARGET_DIR", self.path("target"))
            .env("RUST_BACKTRACE", "0")
            .envs(self.variables.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
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

impl Run {
    pub(crate) fn of(child: Child) -> Self {
        let output = child.wait_with_output().unwrap();
        Self {
            status: output.status,
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// Checks the exit code, and shows everything if it is another.
    #[track_caller]
    pub(crate) fn ends_with(self, code: i32) -> Self {
        assert_eq!(
            self.status.code(),
            Some(code),
            "{}\n{}",
            self.stdout,
            self.stderr
        );
        self
    }

    /// The tests that ran, with their results.
    pub(crate) fn results(&self) -> Vec<String> {
        let result = |line: &str| {
            let (name, result) = line.strip_prefix("test ")?.split_once(" ... ")?;
            (name != "result:").then(|| format!("{} {result}", name.trim_end()))
        };
        self.stdout.lines().filter_map(result).collect()
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

/// The program of a fixture. Cargo builds no test targets for other test targets, so it is asked to.
fn program(name: &str) -> &'static Path {
    static PROGRAMS: OnceLock<BTreeMap<String, PathBuf>> = OnceLock::new();
    &PROGRAMS.get_or_init(build)[name]
}

fn build() -> BTreeMap<String, PathBuf> {
    let mut command = Command::new(env!("CARGO"));
    command
        .args(["test", "--no-run", "--quiet", "--message-format=json"])
        .args([
            "--manifest-path",
            concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml"),
        ]);
    for name in ["orders", "empty", "clashing", "large", "libtest"] {
        command.args(["--test", &format!("fixture_{name}")]);
    }
    let output = command.stderr(Stdio::inherit()).output().unwrap();
    assert!(output.status.success(), "the fixtures do not build");
    let told = String::from_utf8(output.stdout).unwrap();
    told.lines()
        .filter_map(|line| {
            let message: Value = serde_json::from_str(line).ok()?;
            let program = message["executable"].as_str()?;
            Some((message["target"]["name"].as_str()?.into(), program.into()))
        })
        .collect()
}
