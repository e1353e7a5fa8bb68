use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::{
    Arg, AsyncConnectionConfig, Client, Cmd, FromRedisValue, ProtocolVersion, PushInfo, PushKind,
};

use super::options::RedisOptions;
use crate::{Error, Result};

/// Commands that would change the connection which others use too, what the server is, or databases that nobody gave us.
const REFUSED: &[&str] = &[
    "AUTH",
    "CLIENT",
    "DEBUG",
    "DISCARD",
    "EXEC",
    "FAILOVER",
    "FLUSHALL",
    "HELLO",
    "MIGRATE",
    "MONITOR",
    "MULTI",
    "PSUBSCRIBE",
    "PSYNC",
    "QUIT",
    "REPLICAOF",
    "RESET",
    "SELECT",
    "SHUTDOWN",
    "SLAVEOF",
    "SSUBSCRIBE",
    "SUBSCRIBE",
    "SWAPDB",
    "SYNC",
    "UNWATCH",
    "WATCH",
];

/// A connection for commands of the user, in one database. What it writes is followed as if the application had written it.
#[derive(Debug)]
pub(super) struct UserLink {
    system: String,
    /// The databases that take part.
    databases: Vec<u32>,
    client: Client,
    limit: Duration,
    connection: Option<(MultiplexedConnection, Arc<AtomicBool>)>,
}

impl UserLink {
    pub(super) fn new(options: &RedisOptions, database: u32) -> Result<Self> {
        let system = options.system();
        let client = Client::open(options.target(database, ProtocolVersion::RESP3));
        Ok(Self {
            client: client.map_err(|source| failed(&system, "connect", source))?,
            system,
            databases: options.databases.clone(),
            limit: options.settle,
            connection: None,
        })
    }

    /// Runs a command whose first argument is its name.
    pub(super) async fn run<T: FromRedisValue>(&mut self, command: &Cmd) -> Result<T> {
        let name = command.args_iter().next().map(in_capitals);
        let name = name.unwrap_or_default();
        if name.is_empty()
            || REFUSED.contains(&name.as_str())
            || self.leads_elsewhere(&name, command)
        {
            return Err(Error::Refused {
                system: self.system.clone(),
                why: format!(
                    "`{name}` would change the connection, the server or other databases than its own"
                ),
                remedy: "use a connection of your own for it".into(),
            });
        }
        let doing = format!("run `{name}`");
        let connection = self.connection().await?;
        let answer = command.query_async(connection).await;
        answer.map_err(|source| {
            // What was not answered in time keeps those behind it waiting.
            if source.is_timeout() || source.is_unrecoverable_error() {
                self.connection = None;
            }
            failed(&self.system, &doing, source)
        })
    }

    /// Whether a command would write to a database that does not take part, or reset the counters by which writes are noticed.
    fn leads_elsewhere(&self, name: &str, command: &Cmd) -> bool {
        let mut words = command.args_iter().map(in_capitals).skip(1);
        let to = match name {
            "CONFIG" => return words.next().as_deref() == Some("RESETSTAT"),
            "MOVE" => words.nth(1),
            "COPY" => match words.skip(2).skip_while(|word| word != "DB").nth(1) {
                None => return false,
                to => to,
            },
            _ => return false,
        };
        let to = to.and_then(|to| to.parse().ok());
        !to.is_some_and(|to| self.databases.contains(&to))
    }

    async fn connection(&mut self) -> Result<&mut MultiplexedConnection> {
        // The server may have closed it while nobody used it.
        let lost = |(_, lost): &mut (_, Arc<AtomicBool>)| lost.load(Ordering::Relaxed);
        self.connection.take_if(lost);
        let connection = match self.connection.take() {
            Some(connection) => connection,
            None => self.connect().await?,
        };
        Ok(&mut self.connection.insert(connection).0)
    }

    async fn connect(&self) -> Result<(MultiplexedConnection, Arc<AtomicBool>)> {
        let lost = Arc::new(AtomicBool::new(false));
        let hear = lost.clone();
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(self.limit.max(Duration::from_secs(1))))
            .set_response_timeout(Some(self.limit.max(Duration::from_secs(1))))
            .set_push_sender(move |message: PushInfo| {
                if message.kind == PushKind::Disconnection {
                    hear.store(true, Ordering::Relaxed);
                }
                Ok::<(), ()>(())
            });
        let connected = self
            .client
            .get_multiplexed_async_connection_with_config(&config);
        let connected = connected.await;
        let connection = connected.map_err(|source| failed(&self.system, "connect", source))?;
        Ok((connection, lost))
    }
}

fn in_capitals(word: Arg<&[u8]>) -> String {
    match word {
        Arg::Simple(word) => String::from_utf8_lossy(word).to_uppercase(),
        _ => String::new(),
    }
}

fn failed(system: &str, doing: &str, source: redis::RedisError) -> Error {
    Error::Database {
        system: system.into(),
        doing: doing.into(),
        source: source.into(),
    }
}
