use std::future::IntoFuture;
use std::pin::Pin;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use super::group::Group;
use super::launch::Launch;
use super::logs::{LogMark, Logs};
use super::ready::{self, NotReady, Readiness};
use super::{Server, exit, port};
use crate::{Error, Result};

/// How often another port is tried when somebody else was faster to take one.
const TRIES: usize = 5;

/// Lines of output that an error shows.
const SHOWN_LINES: usize = 30;

/// A server about to be started: `.await` starts it. Made by [`Server::spawn`].
#[derive(Clone, Debug)]
#[must_use = "a server starts when this is awaited"]
pub struct Spawn {
    launch: Launch,
    port_variable: String,
    port_argument: Option<String>,
    fixed_port: Option<u16>,
    readiness: Readiness,
    ready_within: Duration,
    pub(super) grace: Duration,
    pub(super) stateful: bool,
}

impl Spawn {
    pub(super) fn new(launch: Launch) -> Self {
        Self {
            launch,
            port_variable: "PORT".into(),
            port_argument: None,
            fixed_port: None,
            readiness: Readiness::Listening,
            ready_within: Duration::from_secs(30),
            grace: Duration::from_secs(5),
            stateful: false,
        }
    }

    /// The server is ready when a `GET` of this path is answered with 2xx.
    pub fn ready_when(mut self, path: &str) -> Self {
        let also = match self.readiness {
            Readiness::Answers { also, .. } => also,
            Readiness::Listening => Vec::new(),
        };
        self.readiness = Readiness::Answers {
            path: path.into(),
            also,
        };
        self
    }

    /// This status, too, is an answer of a server that is ready: 401 of an API without an open path. Probes `/` if
    /// [`ready_when`](Spawn::ready_when) names no path.
    pub fn ready_status(mut self, status: u16) -> Self {
        if let Readiness::Listening = self.readiness {
            self = self.ready_when("/");
        }
        if let Readiness::Answers { also, .. } = &mut self.readiness {
            also.push(status);
        }
        self
    }

    /// The server is ready when it accepts connections. This is the default.
    pub fn ready_when_listening(mut self) -> Self {
        self.readiness = Readiness::Listening;
        self
    }

    /// How long the server may take to become ready. The default is 30 seconds.
    pub fn ready_within(mut self, limit: Duration) -> Self {
        self.ready_within = limit;
        self
    }

    /// The environment variable that tells the server its port. The default is `PORT`.
    pub fn port_env(mut self, name: &str) -> Self {
        self.port_variable = name.into();
        self
    }

    /// Tells the server its port by two more arguments, this one and the number. For other forms write `{port}` where the number
    /// belongs, in an argument or in a variable: `--listen=127.0.0.1:{port}`.
    pub fn port_arg(mut self, flag: &str) -> Self {
        self.port_argument = Some(flag.into());
        self
    }

    /// The server always listens on this port, for those that cannot be told. By default a free one is chosen at each start, so that
    /// several tests can run at a time.
    pub fn port(mut self, port: u16) -> Self {
        self.fixed_port = Some(port);
        self
    }

    /// How long the server may take to end after `SIGTERM`, before it is killed. The default is 5 seconds.
    pub fn stop_within(mut self, grace: Duration) -> Self {
        self.grace = grace;
        self
    }

    /// The server keeps state in its memory that matters (sessions, caches, counters), which no rollback of databases undoes. The
    /// explorer then starts it again instead of trusting a rollback alone.
    pub fn stateful(mut self) -> Self {
        self.stateful = true;
        self
    }

    /// Starts the server, on this port if it is still free, and waits until it is ready.
    pub(super) async fn start(
        &self,
        logs: &Arc<Logs>,
        earlier: Option<u16>,
    ) -> Result<(Group, u16)> {
        let mut wanted = self.fixed_port.or(earlier);
        for tries_left in (0..TRIES).rev() {
            let port = match wanted.take().filter(|port| !port::is_taken(*port)) {
                Some(port) => port,
                None if self.fixed_port.is_some() => return Err(self.fixed_port_is_taken()),
                None => port::free().map_err(|error| self.cannot("find a free port", &error))?,
            };
            let mark = logs.mark();
            let mut group = self
                .launch(port, logs)
                .map_err(|error| self.cannot("be started", &error))?;
            let ready = ready::wait(&self.readiness, port, self.ready_within, || {
                group.exit().is_none()
            });
            let why = match ready.await {
                Ok(()) => return Ok((group, port)),
                Err(NotReady::TooLate { last }) => format!(
                    "not ready within {:?}: {last}; it was told its port, {port}, as `{}`{}",
                    self.ready_within,
                    self.port_variable,
                    if self.port_argument.is_some() {
                        " and as an argument"
                    } else {
                        ""
                    },
                ),
                Err(NotReady::Ended) => {
                    let taken = port::is_taken(port);
                    let ended = group
                        .end()
                        .map_err(|error| self.cannot("be stopped", &error))?;
                    logs.drain();
                    if tries_left > 0
                        && self.fixed_port.is_none()
                        && (taken || says_in_use(logs, mark))
                    {
                        continue;
                    }
                    let hint = if ended.success() {
                        "; it has to stay in the foreground"
                    } else {
                        ""
                    };
                    format!("ended before it was ready: {}{hint}", exit::describe(ended))
                }
            };
            drop(group);
            logs.drain();
            return Err(self.error(why, logs.tail(mark, SHOWN_LINES)));
        }
        unreachable!("the last try returns")
    }

    pub(super) fn error(&self, why: String, logs: String) -> Error {
        Error::Server {
            program: self.launch.program(),
            why,
            logs,
        }
    }

    pub(super) fn cannot(&self, what: &str, error: &std::io::Error) -> Error {
        self.error(format!("cannot {what}: {error}"), String::new())
    }

    fn fixed_port_is_taken(&self) -> Error {
        let port = self.fixed_port.unwrap_or_default();
        let why = format!(
            "port {port} is taken by another process, and answers from there would be mistaken for its own; stop that process, or let the server take its port from `{}`",
            self.port_variable
        );
        self.error(why, String::new())
    }

    fn launch(&self, port: u16, logs: &Arc<Logs>) -> std::io::Result<Group> {
        let (reader, writer) = std::io::pipe()?;
        let mut command: Command = self.launch.command(port);
        command
            .env(&self.port_variable, port.to_string())
            .stdin(Stdio::null())
            .stdout(writer.try_clone()?)
            .stderr(writer);
        if let Some(flag) = &self.port_argument {
            command.arg(flag).arg(port.to_string());
        }
        let group = Group::start(command)?;
        logs.follow(reader)?;
        Ok(group)
    }
}

impl IntoFuture for Spawn {
    type Output = Result<Server>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(Server::start(self))
    }
}

/// As the runtimes of all languages put `EADDRINUSE`.
fn says_in_use(logs: &Logs, mark: LogMark) -> bool {
    let text = logs.since(mark).to_lowercase();
    text.contains("in use") || text.contains("eaddrinuse")
}
