//! The program `venomqa`.

use std::future::{Future, pending, poll_fn};
use std::io::{self, Write};
use std::pin::pin;
use std::process::{Command, ExitCode};
use std::task::Poll;

use clap::{Parser, Subcommand, ValueEnum};
use venomqa::demo::Tour;
use venomqa::demo::orders::{self, Bug};
use venomqa::{Error, Result};

/// Finds the bugs of stateful HTTP APIs that hide in sequences of calls
#[derive(Parser)]
#[command(version, arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    command: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Explores an example API that has a bug which no test of a single call sees
    #[command(after_help = EXIT_CODES)]
    Demo {
        /// The bug that the API has
        #[arg(long, value_enum, default_value_t = Planted::DoubleRefund)]
        bug: Planted,
    },
    /// The example API: what `demo` starts in a process of its own.
    #[command(hide = true)]
    ServeOrders,
}

const EXIT_CODES: &str = "\
Exit codes:
  0    it went as promised: the tests passed, the bug and nothing else was found
  1    it did not: please report the output
  2    called in a way that makes no sense
  3    it could not run: the message says why
  130  interrupted";

/// Why the process ends without having done what it was asked for. See `EXIT_CODES`.
const NOT_AS_PROMISED: u8 = 1;
const COULD_NOT_RUN: u8 = 3;
const INTERRUPTED: u8 = 130;

/// The bugs that can be shown.
#[derive(Clone, Copy, ValueEnum)]
#[value(rename_all = "snake_case")]
enum Planted {
    /// A refunded order can be refunded again
    DoubleRefund,
    /// Cancelling an order leaves the stored balance as it was
    StaleState,
    /// A retry with a known idempotency key is charged again
    Idempotency,
    /// Everything is right, and nothing is found
    None,
}

impl Planted {
    fn bug(self) -> Option<Bug> {
        match self {
            Self::DoubleRefund => Some(Bug::DoubleRefund),
            Self::StaleState => Some(Bug::StaleState),
            Self::Idempotency => Some(Bug::Idempotency),
            Self::None => None,
        }
    }
}

fn main() -> ExitCode {
    match Cli::parse().command {
        Task::ServeOrders => orders::run(),
        Task::Demo { bug } => match demo(bug.bug()) {
            Ok(code) => code,
            Err(error) => {
                if !nobody_reads(&error) {
                    // With stderr gone too, the exit code has to do.
                    let _ = writeln!(io::stderr(), "error: {error}");
                }
                ExitCode::from(COULD_NOT_RUN)
            }
        },
    }
}

fn demo(bug: Option<Bug>) -> Result<ExitCode> {
    let program = std::env::current_exe().map_err(|error| {
        Error::set_up(format!(
            "cannot find this program to start it again: {error}"
        ))
    })?;
    let mut server = Command::new(program);
    server.arg("serve-orders");

    let mut out = anstream::stdout();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let tour = Tour::new(bug, server);
        // What is dropped when it is interrupted stops the server and deletes its database.
        match unless_interrupted(tour.run(&mut out)).await {
            Some(Ok(true)) => Ok(ExitCode::SUCCESS),
            Some(Ok(false)) => Ok(ExitCode::from(NOT_AS_PROMISED)),
            Some(Err(error)) => Err(error),
            None => Ok(ExitCode::from(INTERRUPTED)),
        }
    })
}

/// What becomes of the future, or nothing if the user presses Ctrl-C first.
async fn unless_interrupted<F: Future>(future: F) -> Option<F::Output> {
    let mut future = pin!(future);
    let mut interrupt = pin!(async {
        // Where it cannot be listened for, it ends the process by itself.
        if tokio::signal::ctrl_c().await.is_err() {
            pending::<()>().await;
        }
    });
    poll_fn(|cx| {
        // First, so that it is listened for before anything is there to clean up.
        if interrupt.as_mut().poll(cx).is_ready() {
            return Poll::Ready(None);
        }
        future.as_mut().poll(cx).map(Some)
    })
    .await
}

/// Whether the output was cut off on purpose, as by `| head`.
fn nobody_reads(error: &Error) -> bool {
    matches!(error, Error::File { source, .. } if source.kind() == io::ErrorKind::BrokenPipe)
}
