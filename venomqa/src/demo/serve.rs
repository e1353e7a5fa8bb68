//! A router as a program: it listens, says where, and ends when it is told to.

use std::fmt::Display;
use std::io::{self, Write};
use std::net::Ipv4Addr;
use std::process::ExitCode;

use axum::Router;
use axum::serve::ListenerExt;
use tokio::net::TcpListener;

/// Runs a server until it is told to stop: the whole `main` of a binary. Why it ended otherwise goes to stderr, after its name.
///
/// One thread is enough for servers whose requests wait for a database. From here on a panic in any thread ends the process, as
/// `panic = "abort"` would do.
pub fn run<E: Display + From<ServeError>>(
    name: &str,
    server: impl Future<Output = Result<(), E>>,
) -> ExitCode {
    let report = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        report(panic);
        std::process::abort();
    }));
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let ended = match runtime {
        Ok(runtime) => runtime.block_on(server),
        Err(error) => Err(ServeError::System(error).into()),
    };
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // With stderr gone too, the exit code has to do.
            let _ = writeln!(io::stderr(), "{name}: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Listens on this port of 127.0.0.1, prints `listening on http://127.0.0.1:PORT` to stdout and answers requests until SIGTERM.
///
/// # Errors
///
/// When the port is taken or not allowed, or stdout is closed.
pub async fn serve(port: u16, app: Router) -> Result<(), ServeError> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port))
        .await
        .map_err(|source| ServeError::Listen { port, source })?;
    let stop = stop_signal()?;

    let address = listener.local_addr()?;
    let mut out = io::stdout();
    writeln!(out, "listening on http://{address}")?;
    out.flush()?;

    let listener = listener.tap_io(|connection| {
        // Only a matter of speed, so a refusal is no reason to drop the client.
        let _ = connection.set_nodelay(true);
    });
    axum::serve(listener, app)
        .with_graceful_shutdown(stop)
        .await?;
    Ok(())
}

/// Why a server cannot serve.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServeError {
    /// The port is taken or not allowed.
    #[error("cannot listen on 127.0.0.1:{port}: {source}; leave PORT out for any free one")]
    Listen {
        /// The port asked for.
        port: u16,
        /// What the system says.
        source: io::Error,
    },
    /// The system refuses something that a server needs.
    #[error("cannot serve: {0}")]
    System(#[from] io::Error),
}

/// Listens for the signal from the call on, not from the first poll.
#[cfg(unix)]
fn stop_signal() -> io::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};

    let mut terminate = signal(SignalKind::terminate())?;
    Ok(async move {
        terminate.recv().await;
    })
}

#[cfg(not(unix))]
fn stop_signal() -> io::Result<impl Future<Output = ()>> {
    Ok(async {
        // Where the signal cannot be listened for, it ends the process by itself.
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    })
}
