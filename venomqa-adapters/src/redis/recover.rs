use std::path::Path;

use redis::pipe;

use super::entry::Place;
use super::found::{BATCH, Deadlines, Found, Selected, milliseconds, read, scan};
use super::link::Link;
use super::location::Location;
use super::options::{Ignored, RedisOptions};
use super::precheck::Server;
use super::run::{Kept, RootCopy};
use super::session::{STOP_WORKERS, taken_at_once};
use super::stop::Stop;
use super::value::{digest, shown_payload};
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
    let changed = different(link, &places, copy).await?;
    if copy.server_run != server.run && first_unlike(link, options, &changed, copy).await?.is_some()
    {
        let why = "the server was started again since, or is another one, and holds other keys";
        return Err(lost(options, path, why));
    }
    let stored = |place| copy.keys.get(place).map(|kept| &kept.stored);
    let keys = changed.iter().map(|(place, _)| (place, stored(place)));
    // The time that the others have left ran on.
    let expiries = copy.keys.iter().filter_map(|(place, kept)| {
        let is_right = changed
            .binary_search_by_key(&place, |(place, _)| place)
            .is_err();
        is_right.then_some((place, kept.stored.remaining?))
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
    let waited_for = |place: &Place| {
        let kept = copy.keys.get(place);
        kept.is_some_and(|kept| kept.kind.is_waited_for())
    };
    let put_back = changed.into_iter().map(|(place, _)| place);
    let put_back: Vec<_> = put_back.filter(waited_for).collect();
    let other = different(link, &put_back, copy).await?;
    match first_unlike(link, options, &other, copy).await? {
        None => Ok(()),
        Some(place) => Err(Stop::Failed(Error::NotRestored {
            system: options.system(),
            why: taken_at_once(&format!(
                "db{database}#{}",
                String::from_utf8_lossy(&place.key)
            )),
            remedy: format!(
                "{STOP_WORKERS} and try again: the keys are kept in {}",
                path.display()
            ),
        })),
    }
}

/// The keys that are not dumped as a copy has them, in order, apart from the time they have left; and what they are instead.
async fn different(
    link: &mut Link,
    places: &[Place],
    copy: &RootCopy,
) -> Result<Vec<(Place, Option<Found>)>, Stop> {
    let mut different = Vec::new();
    read(link, Deadlines::Counted, places, |place, found| {
        let same = match (&found, copy.keys.get(place)) {
            (None, None) => true,
            (Some(found), Some(kept)) => {
                found.payload == kept.stored.payload && expire_alike(found, kept)
            }
            _ => false,
        };
        if !same {
            different.push((place.clone(), found));
        }
    })
    .await?;
    Ok(different)
}

/// The first of these keys that holds something else than a copy has, and not only in another form.
async fn first_unlike<'a>(
    link: &mut Link,
    options: &RedisOptions,
    keys: &'a [(Place, Option<Found>)],
    copy: &RootCopy,
) -> Result<Option<&'a Place>, Stop> {
    for batch in keys.chunks(BATCH) {
        let mut commands = pipe();
        let mut selected = Selected::default();
        let mut asked = Vec::new();
        for (place, found) in batch {
            let (Some(found), Some(kept)) = (found, copy.keys.get(place)) else {
                return Ok(Some(place));
            };
            if found.kind != kept.kind || !expire_alike(found, kept) {
                return Ok(Some(place));
            }
            match kept.kind.reading(&place.key) {
                Some(reading) => {
                    selected.select(&mut commands, place.database);
                    commands.add_command(reading);
                    asked.push((place, kept));
                }
                None if digest(&shown_payload(&found.payload)) == kept.digest => {}
                None => return Ok(Some(place)),
            }
        }
        let mut answers = link.ask(&commands).await?.into_iter();
        let mut selected = Selected::default();
        for (place, kept) in asked {
            selected.skip(&mut answers, place.database);
            let answer = answers.next().unwrap_or_default();
            let value = kept.kind.shown(&place.key, answer, &options.ignored);
            if value.map(|value| digest(&value)) != Some(kept.digest) {
                return Ok(Some(place));
            }
        }
    }
    Ok(None)
}

fn expire_alike(found: &Found, kept: &Kept) -> bool {
    found.deadline.is_some() == kept.stored.remaining.is_some()
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
