use std::fmt;
use std::io::Write as _;
use std::process::ExitCode;

use crate::Error;

/// Why the process ends before any test.
#[derive(Debug)]
pub(crate) struct Stop {
    message: String,
    status: u8,
}

impl Stop {
    /// It was called in a way that makes no sense.
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            status: 2,
        }
    }

    /// What was registered makes no suites: a failure as if a test had failed.
    pub(crate) fn set_up(error: Error) -> Self {
        Self {
            message: error.to_string(),
            status: 101,
        }
    }

    /// Says why, and what the process ends with.
    pub(crate) fn report(self) -> ExitCode {
        let _ = writeln!(std::io::stderr(), "error: {self}");
        ExitCode::from(self.status)
    }
}

impl fmt::Display for Stop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message.replace('\n', "\nerror: "))
    }
}
