use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::group::Group;
use super::launch::Launch;
use super::logs::{LogMark, Logs};
use super::{Spawn, exit, port};
use crate::{HttpClient, Result};

/// The server under test, a process of ours.
///
/// ```no_run
/// # use std::process::Command;
/// # use venomqa::{Result, Server};
/// # async fn check() -> Result<()> {
/// let server = Server::spawn(Command::new("target/debug/orders").env("DATABASE_PATH", "orders.db"))
///     .ready_when("/health")
///     .await?;
/// let orders = server.client().get("/orders").send().await?;
/// # Ok(()) }
/// ```
///
/// It gets a free port of 127.0.0.1 in the variable `PORT`, and the environment of the test. What it prints is kept, see
/// [`logs`](Server::logs).
///
/// # Its end
///
/// Dropping stops the server and all that it has started, which is one process group: `SIGTERM`, then `SIGKILL`. That happens also when the
/// test is killed with `kill -9`: a watchdog, `/bin/sh`, notices. What makes a session or group of its own (`setsid`, a
/// daemon) is out of reach of that, so start servers in the foreground.
pub struct Server {
    spawn: Spawn,
    client: HttpClient,
    running: Mutex<Running>,
    logs: Arc<Logs>,
    /// Held while the server is stopped or started.
    changing: tokio::sync::Mutex<()>,
}

struct Running {
    group: Group,
    port: u16,
}

impl Server {
    /// Starts a server by this command. Nothing happens before the result is awaited.
    ///
    /// # Errors
    ///
    /// Awaiting fails with [`Error::Server`](crate::Error::Server), with the last lines that the server printed: it cannot be started,
    /// ends by itself, or does not become ready in time.
    pub fn spawn(command: impl Into<Launch>) -> Spawn {
        Spawn::new(command.into())
    }

    pub(super) async fn start(spawn: Spawn) -> Result<Self> {
        let logs = Arc::new(Logs::default());
        let (group, port) = spawn.start(&logs, None).await?;
        Ok(Self {
            client: HttpClient::new(&format!("http://{}", port::at(port)))?,
            running: Mutex::new(Running { group, port }),
            spawn,
            logs,
            changing: tokio::sync::Mutex::new(()),
        })
    }

    /// A client of this server. All clients follow the server when it is started again on another port.
    pub fn client(&self) -> HttpClient {
        self.client.clone()
    }

    /// The URL of the server, without a slash at its end.
    pub fn url(&self) -> String {
        self.client.base_url()
    }

    /// The port on which the server listens.
    pub fn port(&self) -> u16 {
        self.running().port
    }

    /// Whether the process lives.
    pub fn is_alive(&self) -> bool {
        self.running().group.exit().is_none()
    }

    /// How the process ended, if it did: `exited with code 101`, `killed by signal 9 (SIGKILL)`.
    pub fn exit_status(&self) -> Option<String> {
        self.running().group.exit().map(exit::describe)
    }

    /// Whether the server was declared to keep state in its memory, by [`Spawn::stateful`].
    pub fn is_stateful(&self) -> bool {
        self.spawn.stateful
    }

    /// The last 2000 lines that the server printed, stdout and stderr, over all its starts.
    ///
    /// Programs often hold back what they print to a pipe; Python does unless `PYTHONUNBUFFERED=1` is set.
    pub fn logs(&self) -> String {
        self.settle_logs();
        self.logs.all()
    }

    /// Here and now in the output.
    pub fn log_mark(&self) -> LogMark {
        self.settle_logs();
        self.logs.mark()
    }

    /// What the server printed since then, as far as it is kept.
    pub fn logs_since(&self, mark: LogMark) -> String {
        self.settle_logs();
        self.logs.since(mark)
    }

    /// Stops the server and all that it has started: `SIGTERM`, and after [`Spawn::stop_within`] `SIGKILL`. A stopped server can be
    /// [restarted](Server::restart).
    ///
    /// # Errors
    ///
    /// The processes cannot be killed.
    pub async fn stop(&self) -> Result<()> {
        let _changing = self.changing.lock().await;
        self.stop_now().await
    }

    /// Stops the server, if it lives, and starts it again, on the same port if that is still free.
    ///
    /// # Errors
    ///
    /// As for [`stop`](Server::stop) and [`spawn`](Server::spawn).
    pub async fn restart(&self) -> Result<()> {
        let _changing = self.changing.lock().await;
        self.stop_now().await?;
        let earlier = self.port();
        let (group, port) = self.spawn.start(&self.logs, Some(earlier)).await?;
        *self.running() = Running { group, port };
        self.client.move_to(port);
        Ok(())
    }

    async fn stop_now(&self) -> Result<()> {
        if self.is_alive() {
            // A server that ends gracefully waits for its connections to close.
            self.client.forget_connections();
        }
        let cannot = |error: std::io::Error| self.spawn.cannot("be stopped", &error);
        self.running().group.terminate().map_err(cannot)?;
        let deadline = Instant::now() + self.spawn.grace;
        let mut pause = Duration::from_millis(1);
        while self.is_alive() && Instant::now() < deadline {
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(Duration::from_millis(20));
        }
        self.running().group.end().map(drop).map_err(cannot)
    }

    /// A server that has ended prints nothing more: what is on its way is waited for.
    fn settle_logs(&self) {
        if !self.is_alive() {
            self.logs.drain();
        }
    }

    fn running(&self) -> MutexGuard<'_, Running> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // The group is dropped after this, and a server that ends gracefully waits for its connections to close.
        self.client.forget_connections();
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server")
            .field("spawn", &self.spawn)
            .field("url", &self.url())
            .field("exit_status", &self.exit_status())
            .finish_non_exhaustive()
    }
}
