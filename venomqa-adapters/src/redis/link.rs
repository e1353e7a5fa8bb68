use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Client, Pipeline, ProtocolVersion, PushInfo, Value};

use super::heard::Heard;
use super::options::RedisOptions;
use super::stop::Stop;

/// How long a server may take for one batch of commands, such as writing a million keys, before it counts as dead.
const LONGEST_ANSWER: Duration = Duration::from_secs(60);

/// Our connection to the server, made again when it was lost.
pub(super) struct Link {
    client: Client,
    tracking: bool,
    limit: Duration,
    connection: Option<MultiplexedConnection>,
    /// How often it connected.
    connections: u32,
    /// Filled while the connection is read.
    heard: Arc<Mutex<Heard>>,
}

impl Link {
    /// A link that does nothing yet. With `tracking` the server tells it which keys change.
    pub(super) fn new(options: &RedisOptions, tracking: bool) -> Result<Self, Stop> {
        let protocol = match tracking {
            true => ProtocolVersion::RESP3,
            false => ProtocolVersion::RESP2,
        };
        // Every batch of commands selects the databases it is for.
        let client = Client::open(options.target(0, protocol)).map_err(Stop::Lost)?;
        Ok(Self {
            client,
            tracking,
            limit: options.settle.max(Duration::from_secs(1)),
            connection: None,
            connections: 0,
            heard: Arc::default(),
        })
    }

    /// How often it connected: once, unless the connection was lost.
    pub(super) fn connections(&self) -> u32 {
        self.connections
    }

    /// Takes what was heard since the last time.
    pub(super) fn heard(&self) -> Heard {
        std::mem::take(&mut self.heard.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The answers to some commands, one each; an error among them ends the attempt.
    pub(super) async fn ask(&mut self, commands: &Pipeline) -> Result<Vec<Value>, Stop> {
        let answers = self.ask_all(commands).await?;
        match answers.iter().find_map(error_in) {
            Some(error) => Err(Stop::of(error)),
            None => Ok(answers),
        }
    }

    /// As [`ask`](Self::ask), with errors among the answers.
    pub(super) async fn ask_all(&mut self, commands: &Pipeline) -> Result<Vec<Value>, Stop> {
        if commands.is_empty() {
            return Ok(Vec::new());
        }
        let connection = match &mut self.connection {
            Some(connection) => connection,
            none => {
                let made = connect(&self.client, self.tracking, self.limit, &self.heard);
                let made = none.insert(made.await?);
                self.connections += 1;
                made
            }
        };
        let answers = connection
            .send_packed_commands(commands, 0, commands.len())
            .await;
        answers.map_err(|error| {
            // What was sent may be executed or not, and what changes from now on is told to nobody.
            self.connection = None;
            Stop::Lost(error)
        })
    }
}

async fn connect(
    client: &Client,
    tracking: bool,
    limit: Duration,
    heard: &Arc<Mutex<Heard>>,
) -> Result<MultiplexedConnection, Stop> {
    let mut config = AsyncConnectionConfig::new()
        .set_connection_timeout(Some(limit))
        .set_response_timeout(Some(LONGEST_ANSWER));
    if tracking {
        let heard = heard.clone();
        config = config.set_push_sender(move |message: PushInfo| {
            let mut heard = heard.lock().unwrap_or_else(PoisonError::into_inner);
            heard.hear(message);
            Ok::<(), ()>(())
        });
    }
    let connected = client.get_multiplexed_async_connection_with_config(&config);
    let mut connection = connected.await.map_err(|error| match error.code() {
        Some("LOADING") => Stop::Busy("it is still loading its data".into()),
        Some("BUSY") => Stop::Busy("it runs a script".into()),
        _ => Stop::Lost(error),
    })?;
    if tracking {
        let mut follow = redis::pipe();
        follow
            .cmd("CLIENT")
            .arg("TRACKING")
            .arg("ON")
            .arg("BCAST")
            .arg("NOLOOP");
        let answers = connection.send_packed_commands(&follow, 0, 1).await;
        let answers = answers.map_err(Stop::Lost)?;
        if let Some(error) = answers.iter().find_map(error_in) {
            return Err(Stop::of(error));
        }
        // What changed until now was told to nobody.
        let mut heard = heard.lock().unwrap_or_else(PoisonError::into_inner);
        *heard = Heard::everything();
    }
    Ok(connection)
}

/// The error that an answer is, if it is one.
pub(super) fn error_in(answer: &Value) -> Option<redis::ServerError> {
    match answer {
        Value::ServerError(error) => Some(error.clone()),
        _ => None,
    }
}

impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Link")
            .field("connections", &self.connections)
            .finish_non_exhaustive()
    }
}
