use redis::{Pipeline, Value, pipe};

use super::entry::{Place, Stored};
use super::follow::figure;
use super::found::Selected;
use super::link::{Link, error_in};
use super::stop::Stop;
use crate::Error;

/// What is to be written, in one transaction of the server.
#[derive(Debug, Default)]
pub(super) struct Writes<'a> {
    /// Keys to put, or to remove.
    pub(super) keys: Vec<(&'a Place, Option<&'a Stored>)>,
    /// Keys that are right but for the time they have left.
    pub(super) expiries: Vec<(&'a Place, i64)>,
}

/// What the server said in the same transaction, before it wrote.
#[derive(Debug)]
pub(super) struct Before {
    /// How many keys it had counted as written, if it was asked.
    pub(super) writes: Option<u64>,
    /// Whether clients may have waited for keys, and taken what was put back.
    pub(super) clients_wait: bool,
}

impl Before {
    /// Nothing is known.
    const UNKNOWN: Self = Self {
        writes: None,
        clients_wait: true,
    };
}

impl Writes<'_> {
    pub(super) fn is_empty(&self) -> bool {
        self.keys.is_empty() && self.expiries.is_empty()
    }

    /// As [`execute`](Self::execute), but where the server's memory is full, keys are removed first to make room.
    ///
    /// Then it may happen that they are gone and the rest is not written.
    pub(super) async fn execute_making_room(
        &self,
        link: &mut Link,
        system: &str,
        now: i64,
    ) -> Result<Before, Stop> {
        match self.execute(link, system, now).await {
            Err(stop) if stop.is_out_of_memory() => {
                // In a transaction a full server refuses these, too.
                let mut commands = pipe();
                self.add(&mut commands, now, false);
                link.ask(&commands).await?;
                if self.keys.iter().all(|(_, stored)| stored.is_none()) {
                    return Ok(Before::UNKNOWN);
                }
                self.execute(link, system, now).await
            }
            outcome => outcome,
        }
    }

    /// Writes all or nothing. `now` is the server's clock in milliseconds.
    ///
    /// It may be repeated when it is not known whether it was done.
    pub(super) async fn execute(
        &self,
        link: &mut Link,
        system: &str,
        now: i64,
    ) -> Result<Before, Stop> {
        if self.is_empty() {
            return Ok(Before::UNKNOWN);
        }
        let mut commands = pipe();
        commands.cmd("MULTI");
        commands.cmd("INFO").arg("clients");
        commands.cmd("INFO").arg("persistence");
        self.add(&mut commands, now, true);
        commands.cmd("EXEC");
        let answers = link.ask_all(&commands).await?;
        // The first refusal is the reason; after it the server executes nothing.
        if let Some(error) = answers.iter().find_map(error_in) {
            return Err(Stop::of(error));
        }
        let executed = answers.last().and_then(Value::as_sequence);
        let executed = executed.unwrap_or_default();
        if let Some(error) = executed.iter().find_map(error_in) {
            return Err(Stop::Failed(Error::Database {
                system: system.into(),
                doing: "write all keys of a transaction".into(),
                source: format!("the server refused one of them and wrote the others: {error}")
                    .into(),
            }));
        }
        let info = |at: usize| {
            let answer = executed.get(at).cloned().unwrap_or_default();
            redis::from_redis_value::<String>(answer).unwrap_or_default()
        };
        Ok(Before {
            writes: figure(&info(1), "rdb_changes_since_last_save"),
            clients_wait: figure(&info(0), "blocked_clients") != Some(0),
        })
    }

    /// Adds the commands, those that take memory only if asked.
    fn add(&self, commands: &mut Pipeline, now: i64, all: bool) {
        let mut selected = Selected::default();
        for (place, stored) in &self.keys {
            if stored.is_some() && !all {
                continue;
            }
            selected.select(commands, place.database);
            match stored {
                None => commands.cmd("DEL").arg(&place.key[..]),
                Some(stored) => commands
                    .cmd("RESTORE")
                    .arg(&place.key[..])
                    .arg(stored.remaining.map_or(0, |remaining| now + remaining))
                    .arg(&stored.payload[..])
                    .arg("REPLACE")
                    .arg("ABSTTL"),
            };
        }
        for (place, remaining) in &self.expiries {
            selected.select(commands, place.database);
            let deadline = now + remaining;
            commands.cmd("PEXPIREAT").arg(&place.key[..]).arg(deadline);
        }
    }
}
