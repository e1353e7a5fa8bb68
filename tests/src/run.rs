use std::ffi::OsStr;
use std::process::{Child, Command, ExitStatus, Stdio};

/// What a process did.
#[derive(Debug)]
pub struct Run {
    /// How it ended.
    pub status: ExitStatus,
    /// What it printed.
    pub stdout: String,
    /// What it printed besides.
    pub stderr: String,
}

/// A program that sees nothing of the environment that means something to a test harness or to the example servers, and whose
/// output is kept.
pub fn undisturbed(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(program);
    for (name, _) in std::env::vars_os() {
        let name = name.to_string_lossy();
        let ours = [
            "VENOMQA_", "NEXTEST", "GITHUB_", "FIXTURE", "ORDERS_", "SHOP_", "WALLET_",
        ];
        if ours.iter().any(|prefix| name.starts_with(prefix))
            || name == "CI"
            || name == "RUST_TEST_THREADS"
        {
            command.env_remove(&*name);
        }
    }
    command
        .env("RUST_BACKTRACE", "0")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

impl Run {
    /// Waits until the process has ended.
    ///
    /// # Panics
    ///
    /// It printed something other than text.
    pub fn of(child: Child) -> Self {
        let output = child
            .wait_with_output()
            .expect("a process can be waited for");
        let text = |bytes| String::from_utf8(bytes).expect("programs print UTF-8");
        Self {
            status: output.status,
            stdout: text(output.stdout),
            stderr: text(output.stderr),
        }
    }

    /// Checks the exit code, and shows everything if it is another.
    ///
    /// # Panics
    ///
    /// It is another.
    #[track_caller]
    pub fn ends_with(self, code: i32) -> Self {
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
    pub fn results(&self) -> Vec<String> {
        let result = |line: &str| {
            let (name, result) = line.strip_prefix("test ")?.split_once(" ... ")?;
            (name != "result:").then(|| format!("{} {result}", name.trim_end()))
        };
        self.stdout.lines().filter_map(result).collect()
    }
}
