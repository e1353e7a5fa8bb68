use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use super::console::Console;
use crate::Event;
use crate::report::{Plain, cut};

/// How often the line on a terminal is drawn, and how often a line is printed elsewhere.
const DRAWN: Duration = Duration::from_millis(100);
const PRINTED: Duration = Duration::from_secs(5);

/// Shows what an exploration is doing, also when nothing happens for a while.
///
/// A thread of its own does the drawing, so that telling an event costs the explorer next to nothing.
#[derive(Debug)]
pub(crate) struct Progress {
    doing: Arc<Mutex<Doing>>,
    stop: Option<mpsc::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug)]
struct Doing {
    text: String,
    started: bool,
}

impl Progress {
    /// Starts to show what is done for this suite.
    pub(crate) fn of(suite: &'static str, console: &Arc<Console>) -> Self {
        let doing = Arc::new(Mutex::new(Doing {
            text: "getting the world ready".into(),
            started: false,
        }));
        let (stop, stopped) = mpsc::channel::<()>();
        let console = Arc::clone(console);
        let shown = Arc::clone(&doing);
        let thread = thread::spawn(move || {
            let every = if console.is_terminal() {
                DRAWN
            } else {
                PRINTED
            };
            let start = Instant::now();
            while stopped.recv_timeout(every) == Err(RecvTimeoutError::Timeout) {
                let text = locked(&shown).text.clone();
                let line = format!("{suite}: {text} ({}s)", start.elapsed().as_secs());
                if console.is_terminal() {
                    console.draw(&line);
                } else {
                    console.say(line);
                }
            }
            console.clear();
        });
        Self {
            doing,
            stop: Some(stop),
            thread: Some(thread),
        }
    }

    /// What is to be told the events. With `stream`, findings are printed when they are made.
    pub(crate) fn observer(
        &self,
        suite: &'static str,
        stream: Option<Arc<Console>>,
    ) -> impl FnMut(&Event<'_>) + Send + 'static {
        let doing = Arc::clone(&self.doing);
        move |event| {
            if let (Event::Broken { .. }, Some(console)) = (event, &stream) {
                console.say(found(suite, event));
            }
            locked(&doing).follow(event);
        }
    }

    /// Whether the world was ready and exploring began.
    pub(crate) fn started(&self) -> bool {
        locked(&self.doing).started
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.stop.take();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Doing {
    fn follow(&mut self, event: &Event<'_>) {
        match event {
            Event::Started { actions, rules } => {
                self.started = true;
                self.text = format!("exploring {actions} actions under {rules} rules");
            }
            Event::Progress {
                states,
                transitions,
                pending,
                depth,
                ..
            } => {
                // Overwritten in place: this happens on every transition.
                use std::fmt::Write as _;
                self.text.clear();
                let _ = write!(
                    self.text,
                    "depth {depth}, {states} states, {transitions} transitions, {pending} pairs wait"
                );
            }
            Event::Confirming { violations } => {
                self.text = format!("confirming {violations} violations from a clean start");
            }
            Event::Broken { .. } | Event::Ended { .. } => {}
        }
    }
}

fn found(suite: &str, event: &Event<'_>) -> String {
    let Event::Broken {
        rule,
        severity,
        message,
        sequence,
    } = event
    else {
        return String::new();
    };
    let sequence = match sequence {
        [] => "in the initial state".into(),
        labels => labels.join(" -> "),
    };
    format!(
        "{suite}: found: {severity} {rule}: {}\n    {}",
        Plain(&cut(message, 300), 4),
        Plain(&sequence, 4)
    )
}

fn locked(doing: &Mutex<Doing>) -> std::sync::MutexGuard<'_, Doing> {
    doing.lock().unwrap_or_else(PoisonError::into_inner)
}
