use std::sync::Arc;

use redis::{FromRedisValue, Pipeline, Value, pipe};

use super::entry::Place;
use super::link::Link;
use super::options::Ignored;
use super::stop::Stop;
use super::value::Kind;

/// How many keys are asked for in one batch.
pub(super) const BATCH: usize = 500;

/// What a key held when it was read.
#[derive(Clone, Debug)]
pub(super) struct Found {
    pub(super) payload: Arc<[u8]>,
    pub(super) kind: Kind,
    /// When it expires, by the server's clock in milliseconds.
    pub(super) deadline: Option<i64>,
}

/// How the server says when a key expires.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Deadlines {
    /// `PEXPIRETIME`, from Redis 7 on.
    Exact,
    /// `PTTL`, a few milliseconds more or less.
    Counted,
}

impl Deadlines {
    /// Whether two deadlines of one key, read at different times, are the same.
    pub(super) fn agree(self, one: Option<i64>, other: Option<i64>) -> bool {
        match (self, one, other) {
            (Self::Counted, Some(one), Some(other)) => (one - other).abs() <= 50,
            _ => one == other,
        }
    }
}

/// Reads some keys, and tells each.
pub(super) async fn read(
    link: &mut Link,
    deadlines: Deadlines,
    places: &[Place],
    mut told: impl FnMut(&Place, Option<Found>),
) -> Result<(), Stop> {
    for batch in places.chunks(BATCH) {
        let mut commands = pipe();
        commands.cmd("TIME");
        let mut selected = Selected::default();
        for place in batch {
            selected.select(&mut commands, place.database);
            commands.cmd("DUMP").arg(&place.key[..]);
            let expiry = match deadlines {
                Deadlines::Exact => "PEXPIRETIME",
                Deadlines::Counted => "PTTL",
            };
            commands.cmd(expiry).arg(&place.key[..]);
            commands.cmd("TYPE").arg(&place.key[..]);
        }
        let mut answers = link.ask(&commands).await?.into_iter();
        let now = milliseconds(answers.next().unwrap_or_default())?;
        let mut selected = Selected::default();
        for place in batch {
            selected.skip(&mut answers, place.database);
            let found = found(&mut answers, deadlines, now)?;
            told(place, found);
        }
    }
    Ok(())
}

/// What the answers to `DUMP`, to the question for the deadline and to `TYPE` say of a key.
fn found(
    answers: &mut impl Iterator<Item = Value>,
    deadlines: Deadlines,
    now: i64,
) -> Result<Option<Found>, Stop> {
    let payload: Option<Vec<u8>> = next(answers)?;
    let expiry: i64 = next(answers)?;
    let kind: String = next(answers)?;
    // It may expire between these answers. Then it must not be taken for one that has no deadline.
    let payload = payload.filter(|_| kind != "none");
    Ok(payload.map(|payload| Found {
        payload: payload.into(),
        kind: Kind::of(&kind),
        deadline: match deadlines {
            _ if expiry < 0 => None,
            Deadlines::Exact => Some(expiry),
            Deadlines::Counted => Some(now + expiry),
        },
    }))
}

/// The places of all keys in a database that are followed; some may come twice.
pub(super) async fn scan(
    link: &mut Link,
    database: u32,
    ignored: &Ignored,
    into: &mut Vec<Place>,
) -> Result<(), Stop> {
    let mut cursor = 0_u64;
    loop {
        let mut commands = pipe();
        commands.cmd("SELECT").arg(database);
        commands.cmd("SCAN").arg(cursor).arg("COUNT").arg(1000);
        let mut answers = link.ask(&commands).await?.into_iter().skip(1);
        let (next_cursor, keys): (u64, Vec<Vec<u8>>) = next(&mut answers)?;
        let followed = keys.into_iter().filter(|key| !ignored.has_key(key));
        into.extend(followed.map(|key| Place {
            database,
            key: key.into(),
        }));
        cursor = next_cursor;
        if cursor == 0 {
            return Ok(());
        }
    }
}

/// The database that a batch of commands works on, which is selected only where it changes.
#[derive(Default)]
pub(super) struct Selected(Option<u32>);

impl Selected {
    /// Adds a `SELECT` where it takes one.
    pub(super) fn select(&mut self, commands: &mut Pipeline, database: u32) {
        if self.0.replace(database) != Some(database) {
            commands.cmd("SELECT").arg(database);
        }
    }

    /// Passes over the answer to that `SELECT`.
    pub(super) fn skip(&mut self, answers: &mut impl Iterator<Item = Value>, database: u32) {
        if self.0.replace(database) != Some(database) {
            answers.next();
        }
    }
}

/// The answer to `TIME`, in milliseconds.
pub(super) fn milliseconds(answer: Value) -> Result<i64, Stop> {
    let (seconds, microseconds): (i64, i64) = converted(answer)?;
    Ok(seconds * 1000 + microseconds / 1000)
}

/// The next answer, as what it must be.
pub(super) fn next<T: FromRedisValue>(
    answers: &mut impl Iterator<Item = Value>,
) -> Result<T, Stop> {
    converted(answers.next().unwrap_or_default())
}

fn converted<T: FromRedisValue>(answer: Value) -> Result<T, Stop> {
    redis::from_redis_value(answer).map_err(|error| Stop::Lost(error.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_that_expires_while_it_is_read_is_gone() {
        let check = |expiry: i64, kind: &str, deadline: Option<Option<i64>>| {
            let payload = Value::BulkString(b"payload".to_vec());
            let kind = Value::SimpleString(kind.into());
            let mut answers = [payload, Value::Int(expiry), kind].into_iter();
            let found = found(&mut answers, Deadlines::Counted, 1000).expect("answers");
            assert_eq!(found.map(|found| found.deadline), deadline);
        };
        check(5, "string", Some(Some(1005)));
        check(-1, "string", Some(None));
        check(-2, "none", None);
        check(0, "none", None);
    }
}
