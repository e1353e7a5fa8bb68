use std::fs::{self, File, TryLockError};
use std::io;
use std::path::Path;

use super::console::Console;

/// Keeps every other process from executing the same suite: its database and its servers are used by one run at a time.
///
/// The operating system lets go of it when the process dies.
#[derive(Debug)]
pub(crate) struct SuiteLock {
    _file: File,
}

impl SuiteLock {
    /// Waits until nobody else holds the suite, and says for whom it waits.
    ///
    /// # Errors
    ///
    /// The file of the lock cannot be made.
    pub(crate) fn take(path: &Path, suite: &str, console: &Console) -> io::Result<Self> {
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        let file = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(path.with_extension("lock"))?;
        // Beside the lock, for where a locked file cannot be read.
        let holder = path.with_extension("pid");
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let pid = fs::read_to_string(&holder).unwrap_or_default();
                // It may not have come to writing its number yet.
                let who = match pid.trim() {
                    "" => "another process".into(),
                    pid => format!("process {pid}"),
                };
                console.say(format_args!(
                    "{suite}: waiting for {who}, which uses this suite's world"
                ));
                file.lock()?;
            }
            Err(TryLockError::Error(error)) => return Err(error),
        }
        fs::write(&holder, std::process::id().to_string())?;
        Ok(Self { _file: file })
    }
}
