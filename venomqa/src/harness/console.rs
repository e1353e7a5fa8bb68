use std::fmt;
use std::io::{self, IsTerminal as _, Write};
use std::sync::{Mutex, PoisonError};

/// Where everything goes that is not a test result: standard error, with one line at the bottom that is drawn over and over if it is
/// a terminal.
pub(crate) struct Console {
    terminal: bool,
    line: Mutex<Line>,
}

struct Line {
    out: Box<dyn Write + Send>,
    drawn: bool,
}

impl Console {
    pub(crate) fn stderr() -> Self {
        Self::new(Box::new(io::stderr()), io::stderr().is_terminal())
    }

    pub(crate) fn new(out: Box<dyn Write + Send>, terminal: bool) -> Self {
        Self {
            terminal,
            line: Mutex::new(Line { out, drawn: false }),
        }
    }

    /// Whether a line can be drawn over.
    pub(crate) fn is_terminal(&self) -> bool {
        self.terminal
    }

    /// Prints text that stays.
    pub(crate) fn say(&self, text: impl fmt::Display) {
        self.with(|out| writeln!(out, "{text}"));
    }

    /// Draws the line at the bottom, in place of the last one.
    pub(crate) fn draw(&self, text: &str) {
        let mut line = self.line.lock().unwrap_or_else(PoisonError::into_inner);
        // A line that wraps could not be drawn over; most terminals are at least this wide.
        let shown: String = text.chars().take(79).collect();
        let _ = write!(line.out, "\r\x1b[2K{shown}");
        let _ = line.out.flush();
        line.drawn = true;
    }

    /// Removes the line at the bottom.
    pub(crate) fn clear(&self) {
        self.with(|_| Ok(()));
    }

    /// Lets something write text that stays.
    pub(crate) fn with(&self, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) {
        let mut line = self.line.lock().unwrap_or_else(PoisonError::into_inner);
        if std::mem::take(&mut line.drawn) {
            let _ = line.out.write_all(b"\r\x1b[2K");
        }
        // Nobody is left to be told that standard error is closed.
        let _ = write(&mut line.out);
        let _ = line.out.flush();
    }
}

impl fmt::Debug for Console {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Console")
            .field("terminal", &self.terminal)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    /// Standard error that can be looked at.
    #[derive(Clone, Default)]
    struct Screen(Arc<Mutex<Vec<u8>>>);

    impl Write for Screen {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn what_stays_is_not_printed_behind_the_line_that_is_drawn_over() {
        let screen = Screen::default();
        let console = Console::new(Box::new(screen.clone()), true);
        console.say("first");
        console.draw(&"x".repeat(200));
        console.say("second");
        console.clear();
        let shown = String::from_utf8(screen.0.lock().unwrap().clone()).unwrap();
        let line = "x".repeat(79);
        assert_eq!(shown, format!("first\n\r\x1b[2K{line}\r\x1b[2Ksecond\n"));
    }
}
