use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;

/// How a process ended: `exited with code 101`, `killed by signal 9 (SIGKILL)`.
pub(super) fn describe(status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("exited with code {code}"),
        (None, Some(signal)) => match name(signal) {
            Some(name) => format!("killed by signal {signal} ({name})"),
            None => format!("killed by signal {signal}"),
        },
        (None, None) => status.to_string(),
    }
}

/// The signals whose numbers are the same on Linux and macOS, and `SIGBUS`, which crashes a program on both.
fn name(signal: i32) -> Option<&'static str> {
    Some(match signal {
        1 => "SIGHUP",
        2 => "SIGINT",
        3 => "SIGQUIT",
        4 => "SIGILL",
        5 => "SIGTRAP",
        6 => "SIGABRT",
        8 => "SIGFPE",
        9 => "SIGKILL",
        11 => "SIGSEGV",
        13 => "SIGPIPE",
        14 => "SIGALRM",
        15 => "SIGTERM",
        7 if cfg!(target_os = "linux") => "SIGBUS",
        10 if cfg!(target_os = "macos") => "SIGBUS",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(raw: i32, expected: &str) {
        assert_eq!(describe(ExitStatus::from_raw(raw)), expected);
    }

    #[test]
    fn an_end_is_told_in_words() {
        check(101 << 8, "exited with code 101");
        check(0, "exited with code 0");
        check(9, "killed by signal 9 (SIGKILL)");
        check(6 | 128, "killed by signal 6 (SIGABRT)");
    }
}
