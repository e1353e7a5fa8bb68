use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufReader, BufWriter, Error, ErrorKind, Result, Write};
use std::path::{Path, PathBuf};

use redis::{Cmd, Parser, cmd};

use super::entry::{Entry, Place, Stored};
use super::value::{Kind, digest};

/// What the first record says before the name that the server gave itself when it started.
const BEGIN: &str = "venomqa-root-1 ";
const IGNORED: &str = "venomqa-ignored ";
/// What the record before a key says before its type and the digest of its value.
const KEY: &str = "venomqa-key ";
const END: &str = "venomqa-end";

/// The copy of a database from before a run, kept in a file until the run ends: what a run after a crash goes by.
///
/// The file consists of commands in the protocol of Redis, so that `redis-cli --pipe` can put the keys back without us.
#[derive(Debug, Default)]
pub(super) struct RootCopy {
    /// The `run_id` of the server that held these keys. Another one means that it was started again, or is another server.
    pub(super) server_run: String,
    /// Patterns of keys that the run did not follow.
    pub(super) ignored: Vec<String>,
    pub(super) keys: BTreeMap<Place, Kept>,
}

/// A key in a copy.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Kept {
    pub(super) stored: Stored,
    pub(super) kind: Kind,
    /// Of the value as it is told: a server that was started again may dump the same set or hash in another order.
    pub(super) digest: u64,
}

impl RootCopy {
    /// Writes a copy durably. Under its name there is a complete one or none.
    pub(super) fn write<'a>(
        path: &Path,
        server_run: &str,
        ignored: &[String],
        database: u32,
        keys: impl Iterator<Item = (&'a Place, &'a Entry)>,
    ) -> Result<()> {
        let unfinished = unfinished(path);
        let mut file = BufWriter::new(create(&unfinished)?);
        let mut add = |record: &Cmd| file.write_all(&record.get_packed_command());
        add(&begin(server_run))?;
        for pattern in ignored {
            add(cmd("ECHO").arg(format!("{IGNORED}{pattern}")))?;
        }
        add(cmd("SELECT").arg(database))?;
        for (place, entry) in keys {
            let (kind, digest) = (entry.kind.name(), digest(entry.value()));
            add(cmd("ECHO").arg(format!("{KEY}{kind} {digest}")))?;
            let stored = &entry.stored;
            add(cmd("RESTORE")
                .arg(&place.key[..])
                .arg(stored.remaining.unwrap_or(0))
                .arg(&stored.payload[..])
                .arg("REPLACE"))?;
        }
        add(cmd("ECHO").arg(END))?;
        file.into_inner()?.sync_all()?;
        std::fs::rename(&unfinished, path)?;
        sync_folder(path)
    }

    /// Reads a copy, if there is one.
    pub(super) fn read(path: &Path, database: u32) -> Result<Option<Self>> {
        let mut file = match File::open(path) {
            Ok(file) => BufReader::new(file),
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        let mut parser = Parser::new();
        let mut copy = Self::default();
        let mut about = None;
        loop {
            let record = parser.parse_value(&mut file).map_err(Error::other)?;
            let record: Vec<Vec<u8>> = redis::from_redis_value(record).map_err(Error::other)?;
            match record.as_slice() {
                [verb, said] if verb == b"ECHO" => {
                    let said = String::from_utf8_lossy(said);
                    if let Some(run) = said.strip_prefix(BEGIN) {
                        copy.server_run = run.into();
                    } else if let Some(pattern) = said.strip_prefix(IGNORED) {
                        copy.ignored.push(pattern.into());
                    } else if let Some((kind, digest)) = said
                        .strip_prefix(KEY)
                        .and_then(|about| about.rsplit_once(' '))
                    {
                        about = Some((Kind::of(kind), digest.parse().map_err(Error::other)?));
                    } else if said == END && !copy.server_run.is_empty() {
                        return Ok(Some(copy));
                    }
                }
                [verb, key, remaining, payload, _] if verb == b"RESTORE" => {
                    let remaining = str::from_utf8(remaining)
                        .ok()
                        .and_then(|text| text.parse().ok());
                    let remaining: i64 = remaining.ok_or(ErrorKind::InvalidData)?;
                    let (kind, digest) = about.take().ok_or(ErrorKind::InvalidData)?;
                    let stored = Stored {
                        payload: payload.as_slice().into(),
                        remaining: (remaining > 0).then_some(remaining),
                    };
                    let kept = Kept {
                        stored,
                        kind,
                        digest,
                    };
                    let key = key.as_slice().into();
                    copy.keys.insert(Place { database, key }, kept);
                }
                _ => {}
            }
        }
    }

    /// Makes a copy, if there is one, that of the same server after it was started again.
    pub(super) fn adopt(path: &Path, server_run: &str) -> Result<()> {
        let mut file = match File::options().write(true).open(path) {
            Ok(file) => file,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(error),
        };
        // These names have one length, so the first record is overwritten in place.
        file.write_all(&begin(server_run).get_packed_command())?;
        file.sync_all()
    }

    /// Removes a copy that is not needed any more, and one that was never finished.
    pub(super) fn remove(path: &Path) -> Result<()> {
        for path in [&unfinished(path), path] {
            match std::fs::remove_file(path) {
                Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        sync_folder(path)
    }
}

/// Where a copy is until it is complete.
fn unfinished(path: &Path) -> PathBuf {
    path.with_extension("unfinished")
}

fn begin(server_run: &str) -> Cmd {
    let mut record = cmd("ECHO");
    record.arg(format!("{BEGIN}{server_run}"));
    record
}

/// A file that nobody else can read: what is in a database may be secret.
fn create(path: &Path) -> Result<File> {
    let mut options = File::options();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// Makes a change of names durable.
fn sync_folder(path: &Path) -> Result<()> {
    match path.parent() {
        // Elsewhere a folder cannot be opened, and a change of names is durable by itself.
        Some(folder) if cfg!(unix) => File::open(folder)?.sync_all(),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_is_read_as_it_was_written() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("redis-localhost-6379-3.root");
        let place = |key: &[u8]| Place {
            database: 3,
            key: key.into(),
        };
        let entry = |key, payload, remaining| {
            let stored = stored(payload, remaining);
            (
                place(key),
                Entry::new(&place(key), stored, Kind::Set, "{}".into()),
            )
        };
        let entries = BTreeMap::from([
            entry(b"plain", b"\x00\r\n$5\xff", None),
            entry(b"\x00\r\n*", b"", Some(5000)),
        ]);
        let keys = entries.iter().map(|(place, entry)| {
            let kept = Kept {
                stored: entry.stored.clone(),
                kind: Kind::Set,
                digest: digest(&"{}".into()),
            };
            (place.clone(), kept)
        });
        let keys: BTreeMap<_, _> = keys.collect();
        let run = "0123456789abcdef0123456789abcdef01234567";
        let ignored = ["metrics:*".to_owned()];
        RootCopy::write(&path, run, &ignored, 3, entries.iter()).expect("written");
        let restarted = run.replace('0', "f");
        RootCopy::adopt(&path, &restarted).expect("written");
        let copy = RootCopy::read(&path, 3).expect("read").expect("there");
        assert_eq!((copy.keys, copy.server_run), (keys, restarted));
        assert_eq!(copy.ignored, ignored);

        let whole = std::fs::read(&path).expect("read");
        std::fs::write(&path, &whole[..whole.len() - 1]).expect("written");
        assert!(RootCopy::read(&path, 3).is_err(), "it is cut off");
        RootCopy::remove(&path).expect("removed");
        RootCopy::remove(&path).expect("it is not there");
        assert!(RootCopy::read(&path, 3).expect("read").is_none());
    }

    fn stored(payload: &[u8], remaining: Option<i64>) -> Stored {
        Stored {
            payload: payload.into(),
            remaining,
        }
    }
}
