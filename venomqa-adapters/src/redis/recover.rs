use std::path::Path;

use redis::pipe;

use super::entry::Stored;
use super::found::{Deadlines, Found, milliseconds, read, scan};
use super::link::Link;
use super::location::Location;
use super::options::{Ignored, RedisOptions};
use super::precheck::Server;
use super::run::RootCopy;
use super::stop::Stop;
use super::write::Writes;
use crate::Error;

/// Ends a run that did not end itself: returns to its root and removes what it left.
///
/// May be interrupted and repeated at any point: a copy goes after its keys are back.
pub(super) async fn recover(
    link: &mut Link,
    options: &RedisOptions,
    location: &Location,
    server: &Server,
) -> Result<(), Stop> {
    for &database in &options.databases {
        let path = location.root_copy(database);
        let copy = RootCopy::read(&path, database);
        let damaged = |error| lost(options, &path, &format!("its copy is damaged ({error})"));
        if let Some(copy) = copy.map_err(damaged)? {
            put_back(link, options, server, database, &copy, &path).await?;
        }
        RootCopy::remove(&path).map_err(|error| file_failed(options, "remove", &path, error))?;
    }
    Ok(())
}

/// Makes a database equal to a copy of it.
async fn put_back(
    link: &mut Link,
    options: &RedisOptions,
    server: &Server,
    database: u32,
    copy: &RootCopy,
    path: &Path,
) -> Result<(), Stop> {
    let ignored = Ignored {
        keys: copy.ignored.clone(),
        ..Ignored::default()
    };
    let mut places: Vec<_> = copy.keys.keys().cloned().collect();
    scan(link, database, &ignored, &mut places).await?;
    places.sort_unstable();
    places.dedup();
    let mut changed = Vec::new();
    read(link, Deadlines::Counted, &places, |place, found| {
        if !holds(found.as_ref(), copy.keys.get(place)) {
            changed.push(place.clone());
        }
    })
    .await?;
    if !changed.is_empty() && copy.server_run != server.run {
        let why = "the server was started again since, or is another one, and holds other keys";
        return Err(lost(options, path, why));
    }
    let keys = changed.iter().map(|place| (place, copy.keys.get(place)));
    // The time that the others have left ran on.
    let expiries = copy.keys.iter().filter_map(|(place, stored)| {
        let is_right = changed.binary_search(place).is_err();
        is_right.then_some((place, stored.remaining?))
    });
    let writes = Writes {
        keys: keys.collect(),
        expiries: expiries.collect(),
    };
    let mut time = pipe();
    time.cmd("TIME");
    let answers = link.ask(&time).await?;
    let now = milliseconds(answers.into_iter().next().unwrap_or_default())?;
    writes
        .execute_making_room(link, &options.system(), now)
        .await?;
    Ok(())
}

/// Whether a key holds what is stored, apart from the time it has left.
fn holds(found: Option<&Found>, stored: Option<&Stored>) -> bool {
    match (found, stored) {
        (None, None) => true,
        (Some(found), Some(stored)) => {
            found.payload == stored.payload
                && found.deadline.is_some() == stored.remaining.is_some()
        }
        _ => false,
    }
}

/// The way back is lost, or leads elsewhere.
fn lost(options: &RedisOptions, path: &Path, why: &str) -> Stop {
    let (path, cli) = (path.display(), options.command_line());
    Stop::Failed(Error::NotRestored {
        system: options.system(),
        why: format!("a run did not end, and {why}"),
        remedy: format!(
            "to keep what the server holds now, remove {path}; to put back the keys from before that run instead, empty the \
             database, run `{cli} --pipe < {path}`, and remove the file then"
        ),
    })
}

/// A file of ours could not be used.
pub(super) fn file_failed(
    options: &RedisOptions,
    doing: &str,
    path: &Path,
    error: std::io::Error,
) -> Stop {
    Stop::Failed(Error::Database {
        system: options.system(),
        doing: format!("{doing} {}", path.display()),
        source: error.into(),
    })
}
