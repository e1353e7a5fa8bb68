use std::collections::VecDeque;
use std::io::{self, PipeReader, Read};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Lines kept of what a server prints.
const KEPT_LINES: usize = 2000;

/// Bytes kept of a line.
const KEPT_BYTES: usize = 4096;

/// A place in a server's output, for [`Server::logs_since`](super::Server::logs_since).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct LogMark(u64);

/// The last lines that a server printed, on stdout and stderr in the order printed.
#[derive(Default)]
pub(super) struct Logs {
    state: Mutex<State>,
    a_reader_ended: Condvar,
}

#[derive(Default)]
struct State {
    lines: VecDeque<String>,
    /// How many lines were dropped for newer ones.
    dropped: u64,
    /// The line that is not ended yet.
    open: Vec<u8>,
    readers: usize,
}

impl Logs {
    /// Keeps all that comes out of this pipe, until everybody who holds its other end is gone.
    pub(super) fn follow(self: &Arc<Self>, mut pipe: PipeReader) -> io::Result<()> {
        self.state().readers += 1;
        let logs = Arc::clone(self);
        let read = move || {
            let mut buffer = vec![0; 16 * 1024];
            loop {
                match pipe.read(&mut buffer) {
                    Ok(0) => break,
                    Ok(length) => logs.state().push(&buffer[..length]),
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    Err(_) => break,
                }
            }
            let mut state = logs.state();
            state.readers -= 1;
            if !state.open.is_empty() {
                state.end_line();
            }
            logs.a_reader_ended.notify_all();
        };
        let thread = std::thread::Builder::new().name("venomqa-logs".into());
        if let Err(error) = thread.spawn(read) {
            self.state().readers -= 1;
            return Err(error);
        }
        Ok(())
    }

    /// Waits until all that an ended server has printed is read. Not for long: a descendant may hold the pipe open.
    pub(super) fn drain(&self) {
        let limit = Duration::from_millis(200);
        let _ = self
            .a_reader_ended
            .wait_timeout_while(self.state(), limit, |state| state.readers > 0);
    }

    pub(super) fn mark(&self) -> LogMark {
        let state = self.state();
        LogMark(state.dropped + state.lines.len() as u64)
    }

    pub(super) fn since(&self, mark: LogMark) -> String {
        let state = self.state();
        let skipped = usize::try_from(mark.0.saturating_sub(state.dropped)).unwrap_or(usize::MAX);
        let mut text = String::new();
        for line in state.lines.iter().skip(skipped) {
            text.push_str(line);
            text.push('\n');
        }
        text.push_str(&String::from_utf8_lossy(&state.open));
        text
    }

    pub(super) fn all(&self) -> String {
        self.since(LogMark(0))
    }

    /// The last lines since a mark, for an error.
    pub(super) fn tail(&self, mark: LogMark, lines: usize) -> String {
        let text = self.since(mark);
        let all: Vec<_> = text.lines().collect();
        all[all.len().saturating_sub(lines)..].join("\n")
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn push(&mut self, bytes: &[u8]) {
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            let (text, ended) = match piece.strip_suffix(b"\n") {
                Some(text) => (text, true),
                None => (piece, false),
            };
            // One byte more than is kept tells that the line was cut.
            let room = (KEPT_BYTES + 1).saturating_sub(self.open.len());
            self.open.extend_from_slice(&text[..text.len().min(room)]);
            if ended {
                self.end_line();
            }
        }
    }

    fn end_line(&mut self) {
        let mut line = String::from_utf8_lossy(&self.open).into_owned();
        if line.ends_with('\r') {
            line.pop();
        }
        if self.open.len() > KEPT_BYTES {
            line.truncate(line.floor_char_boundary(KEPT_BYTES));
            line.push('…');
        }
        self.open.clear();
        if self.lines.len() == KEPT_LINES {
            self.lines.pop_front();
            self.dropped += 1;
        }
        self.lines.push_back(line);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(chunks: &[&[u8]], expected: &str) {
        let logs = Logs::default();
        for chunk in chunks {
            logs.state().push(chunk);
        }
        assert_eq!(logs.all(), expected);
    }

    #[test]
    fn lines_are_put_together_from_chunks() {
        check(&[b"a", b"b\nc\r\n", b"\n", b"d"], "ab\nc\n\nd");
        check(&[b"\xff\xe2\x82", b"\xac\n"], "\u{fffd}\u{20ac}\n");
    }

    #[test]
    fn a_long_line_is_cut() {
        let logs = Logs::default();
        for _ in 0..10 {
            logs.state().push(&[b'x'; 1000]);
        }
        logs.state().push(b"\nnext\n");
        let expected = format!("{}…\nnext\n", "x".repeat(KEPT_BYTES));
        assert_eq!(logs.all(), expected);
    }

    #[test]
    fn old_lines_go_and_marks_stay_true() {
        let logs = Logs::default();
        let begin = logs.mark();
        for n in 0..KEPT_LINES {
            logs.state().push(format!("{n}\n").as_bytes());
        }
        let mark = logs.mark();
        logs.state().push(b"a\nb\n");
        assert_eq!(logs.since(mark), "a\nb\n");
        assert!(logs.since(begin).starts_with("2\n"));
        assert_eq!(logs.tail(begin, 1), "b");
    }
}
