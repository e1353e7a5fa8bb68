use std::path::{Path, PathBuf};
use std::sync::Arc;

use rusqlite::backup::{Backup, StepResult};
use rusqlite::{Connection, OpenFlags};

use super::stop::Stop;

/// A full copy of a database.
#[derive(Clone, Debug)]
pub(super) enum Snapshot {
    /// A file of its own, kept for as long as the run.
    File(PathBuf),
    /// Pages in memory, shared with other copies where they are equal.
    Pages(Pages),
}

/// The pages of a copy.
#[derive(Clone, Debug)]
pub(super) struct Pages {
    pages: Arc<[Arc<[u8]>]>,
    /// How many bytes of them were not shared when the copy was taken.
    own_bytes: usize,
}

impl Snapshot {
    /// Copies a database into memory, by way of a scratch file.
    pub(super) fn take(db: &Connection, scratch: &Path, like: Option<&Self>) -> Result<Self, Stop> {
        copy_to_file(db, scratch)?;
        // Nobody but us knows this file, and no connection to it is open.
        let bytes = std::fs::read(scratch).map_err(|error| Stop::file("read", scratch, error))?;
        remove(scratch)?;
        let size = match bytes.get(16..18) {
            Some(&[0, 1]) => 65536,
            Some(&[high, low]) => usize::from(u16::from_be_bytes([high, low])).max(512),
            _ => 4096,
        };
        let known = match like {
            Some(Self::Pages(known)) => &*known.pages,
            _ => &[],
        };
        let mut own_bytes = 0;
        let share = |(at, page): (usize, &[u8])| match known.get(at) {
            Some(known) if **known == *page => known.clone(),
            _ => {
                own_bytes += page.len();
                page.into()
            }
        };
        let pages = bytes.chunks(size).enumerate().map(share).collect();
        Ok(Self::Pages(Pages { pages, own_bytes }))
    }

    /// Overwrites a database with this copy. Its other connections stay open.
    pub(super) fn put_back(&self, db: &mut Connection, scratch: &Path) -> Result<(), Stop> {
        match self {
            Self::File(path) => copy_from_file(path, db),
            Self::Pages(Pages { pages, .. }) => {
                remove(scratch)?;
                std::fs::write(scratch, pages.concat())
                    .map_err(|error| Stop::file("write", scratch, error))?;
                let copied = copy_from_file(scratch, db);
                remove(scratch)?;
                copied
            }
        }
    }

    pub(super) fn bytes(&self) -> usize {
        match self {
            Self::File(_) => 0,
            Self::Pages(pages) => pages.own_bytes,
        }
    }
}

/// Copies a database into a file, which is overwritten.
pub(super) fn copy_to_file(db: &Connection, path: &Path) -> Result<(), Stop> {
    remove(path)?;
    let mut file = Connection::open(path)?;
    file.execute_batch("PRAGMA journal_mode = MEMORY; PRAGMA synchronous = OFF")?;
    run(db, &mut file)?;
    // A copy of a database in WAL mode would get files of its own beside it when it is opened.
    file.execute_batch("PRAGMA journal_mode = DELETE")?;
    Ok(())
}

/// Removes a copy and what SQLite may have left beside it: a journal would be taken for that of the next copy.
pub(super) fn remove(path: &Path) -> Result<(), Stop> {
    for end in ["-journal", "-wal", "-shm", ""] {
        let mut name = path.as_os_str().to_owned();
        name.push(end);
        match std::fs::remove_file(&name) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(Stop::file("remove", Path::new(&name), error));
            }
            _ => {}
        }
    }
    Ok(())
}

fn copy_from_file(path: &Path, db: &mut Connection) -> Result<(), Stop> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let file = Connection::open_with_flags(path, flags)?;
    run(&file, db)
}

fn run(from: &Connection, to: &mut Connection) -> Result<(), Stop> {
    match Backup::new(from, to)?.step(-1)? {
        StepResult::Done => Ok(()),
        // Busy, locked, or more to come: somebody else is at it.
        _ => Err(Stop::Again),
    }
}
