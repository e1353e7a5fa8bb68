use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

use super::snapshot::remove;
use super::stop::Stop;

/// Where a database is, and the files of ours beside it.
#[derive(Clone, Debug)]
pub(super) struct Location {
    /// As a person names it (`SQLite file orders.db`).
    pub(super) name: String,
    /// What SQLite opens: a path or a URI.
    pub(super) target: PathBuf,
    /// The copy of the root, and what a copy passes through on its way to memory.
    pub(super) root_copy: PathBuf,
    pub(super) scratch: PathBuf,
    /// Present for a file: the lock that other runs respect.
    pub(super) lock: Option<PathBuf>,
}

impl Location {
    /// A file, which need not exist yet. Several paths to one file come to the same location.
    pub(super) fn file(path: &Path) -> std::io::Result<Self> {
        let target = match path.canonicalize() {
            Ok(path) => path,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                let path = std::path::absolute(path)?;
                let (folder, file) = (path.parent(), path.file_name());
                match (folder, file) {
                    (Some(folder), Some(file)) => folder.canonicalize()?.join(file),
                    _ => path,
                }
            }
            Err(error) => return Err(error),
        };
        Ok(Self {
            name: format!("SQLite file {}", path.display()),
            root_copy: beside(&target, "root"),
            scratch: beside(&target, "scratch"),
            lock: Some(beside(&target, "lock")),
            target,
        })
    }

    /// A new database in the memory of this process, which several connections can share.
    pub(super) fn memory() -> Self {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("venomqa-{}-{number}", std::process::id());
        let files = std::env::temp_dir().join(&name);
        Self {
            target: format!("file:/{name}?vfs=memdb").into(),
            name: "SQLite database in memory".into(),
            root_copy: beside(&files, "root"),
            scratch: beside(&files, "scratch"),
            lock: None,
        }
    }

    pub(super) fn in_memory(&self) -> bool {
        self.lock.is_none()
    }

    /// Whether this is a file that nobody has made yet.
    pub(super) fn is_missing(&self) -> bool {
        !self.in_memory() && !self.target.exists()
    }

    /// Removes the files of ours, except for the lock.
    pub(super) fn remove_copies(&self) -> Result<(), Stop> {
        remove(&self.root_copy)?;
        remove(&self.scratch)
    }

    /// Opens a connection; a file must exist.
    pub(super) fn connect(&self) -> rusqlite::Result<Connection> {
        let mut flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        if self.in_memory() {
            flags |= OpenFlags::SQLITE_OPEN_URI | OpenFlags::SQLITE_OPEN_CREATE;
        }
        Connection::open_with_flags(&self.target, flags)
    }

    /// Opens a connection that restores rows: no trigger runs and nothing is checked, because the rows were valid before.
    pub(super) fn connect_to_restore(&self) -> rusqlite::Result<Connection> {
        let db = self.connect()?;
        restoring(&db)?;
        Ok(db)
    }
}

/// Prepares a connection for restoring rows.
pub(super) fn restoring(db: &Connection) -> rusqlite::Result<()> {
    db.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_TRIGGER, false)?;
    db.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_FKEY, false)?;
    // What a crash of this process could lose is in the operating system's hands by then.
    db.execute_batch("PRAGMA synchronous = OFF; PRAGMA ignore_check_constraints = ON")?;
    db.busy_timeout(std::time::Duration::ZERO)?;
    db.set_prepared_statement_cache_capacity(4096);
    Ok(())
}

fn beside(path: &Path, what: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".venomqa-{what}"));
    name.into()
}
