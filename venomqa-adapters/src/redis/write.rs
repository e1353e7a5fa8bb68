use redis::{Pipeline, Value, pipe};

use super::entry::{Place, Stored};
use super::follow::writes;
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
    ) -> Result<Option<u64>, Stop> {
        match self.execute(link, system, now).await {
            Err(stop) if stop.is_out_of_memory() => {
                // In a transaction a full server refuses these, too.
                let mut commands = pipe();
                self.add(&mut commands, now, false);
                link.ask(&commands).await?;
                if self.keys.iter().all(|(_, stored)| stored.is_none()) {
                    return Ok(None);
                }
                self.execute(link, system, now).await
            }
            outcome => outcome,
        }
    }

    /// Writes all or nothing. `now` is the server's clock in milliseconds.
    ///
    /// It may be repeated when it is not known whether it was done. Returns how many keys the server had counted as written just
    /// before, where keys are set right.
    pub(super) async fn execute(
        &self,
        link: &mut Link,
        system: &str,
        now: i64,
    ) -> Result<Option<u64>, Stop> {
        if self.is_empty() {
            return Ok(None);
        }
        let mut commands = pipe();
        commands.cmd("MULTI");
        let counts = !self.expiries.is_empty();
        if counts {
            commands.cmd("INFO").arg("persistence");
        }
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
        let counted = executed.first().filter(|_| counts);
        let counted = counted.and_then(|info| redis::from_redis_value_ref::<String>(info).ok());
        Ok(counted.and_then(|info| writes(&info)))
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
