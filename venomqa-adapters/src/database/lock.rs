use std::fs::{File, TryLockError};
use std::io::{Read, Seek, Write};
use std::path::{Path, PathBuf};

use super::exclusive::{Queue, this_run};
use crate::{Error, Result};

/// The exclusive right to explore a database, across processes.
///
/// It is a lock on a file, which the operating system releases when its holder dies.
#[derive(Debug)]
pub(crate) struct RunLock {
    path: PathBuf,
    file: File,
}

impl RunLock {
    /// Waits for the lock, and says whom it waits for.
    pub(crate) async fn acquire(system: &str, path: &Path, mut queue: Queue<'_>) -> Result<Self> {
        loop {
            match Self::attempt(path) {
                Ok(Ok(lock)) => return Ok(lock),
                Ok(Err(holder)) => queue.wait_for(holder).await?,
                Err(source) => {
                    return Err(Error::Database {
                        system: system.into(),
                        doing: format!("lock {}", path.display()),
                        source: source.into(),
                    });
                }
            }
        }
    }

    /// Takes the lock, or tells who holds it.
    fn attempt(path: &Path) -> std::io::Result<Result<Self, String>> {
        let mut file = File::options()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(path)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut holder = String::new();
                // The holder may be writing its name just now, or the system may not let us read.
                let _ = file.read_to_string(&mut holder);
                let known = !holder.trim().is_empty();
                return Ok(Err(if known {
                    holder.trim().into()
                } else {
                    "another run".into()
                }));
            }
            Err(TryLockError::Error(error)) => return Err(error),
        }
        if !is_still_at(&file, path) {
            // The holder before us removed the file between our opening and locking it.
            return Ok(Err("another run".into()));
        }
        file.set_len(0)?;
        file.rewind()?;
        write!(file, "{}", this_run())?;
        let path = path.to_owned();
        Ok(Ok(Self { path, file }))
    }

    /// Removes the file and lets go.
    pub(crate) fn release(self) -> std::io::Result<()> {
        // In this order: who opens the file from now on makes a new one.
        std::fs::remove_file(&self.path)?;
        self.file.unlock()
    }
}

#[cfg(unix)]
fn is_still_at(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    let same =
        |a: &std::fs::Metadata, b: &std::fs::Metadata| (a.dev(), a.ino()) == (b.dev(), b.ino());
    matches!((file.metadata(), path.metadata()), (Ok(a), Ok(b)) if same(&a, &b))
}

/// Elsewhere an open file cannot be removed.
#[cfg(not(unix))]
fn is_still_at(_: &File, path: &Path) -> bool {
    path.exists()
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn a_file_removed_by_its_holder_is_no_lock() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("orders.db.venomqa-lock");
        let holder = RunLock::attempt(&path)
            .expect("a file")
            .expect("nobody holds it");
        let waiter = File::open(&path).expect("the holder's file");
        assert!(RunLock::attempt(&path).expect("a file").is_err());
        holder.release().expect("the lock");
        // What a waiter has open is free now, but whoever comes next makes another file.
        assert!(waiter.try_lock().is_ok());
        assert!(!is_still_at(&waiter, &path));
        RunLock::attempt(&path)
            .expect("a file")
            .expect("nobody holds it");
    }
}
