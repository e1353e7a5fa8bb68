use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use super::explored::Explored;
use super::regressions::write_whole;

/// For how long the results of a run of nextest are kept.
const KEPT: Duration = Duration::from_secs(24 * 3600);

/// What the processes of one run of nextest know of one suite.
///
/// The first of them explores, the others read what it found. All of this happens under the suite's lock.
#[derive(Debug)]
pub(crate) struct Shared {
    result: PathBuf,
    started: PathBuf,
}

impl Shared {
    pub(crate) fn of(folder: &Path, suite: &str) -> Self {
        Self {
            result: folder.join(format!("{suite}.json")),
            started: folder.join(format!("{suite}.started")),
        }
    }

    /// What an earlier process of the run found; or that it died before it was done, for which nobody explores again.
    pub(crate) fn read(&self, suite: &str) -> Option<Explored> {
        match fs::read(&self.result) {
            Ok(text) => Some(serde_json::from_slice(&text).unwrap_or_else(|error| {
                Explored::Failed(format!(
                    "{} cannot be understood: {error}; run the tests again",
                    self.result.display()
                ))
            })),
            Err(_) => {
                let pid = fs::read_to_string(&self.started).ok()?;
                Some(Explored::Failed(format!(
                    "the process that explored `{suite}` (pid {}) died before it was done: it was killed, ran \
                     out of time or memory, or a test ended it",
                    pid.trim()
                )))
            }
        }
    }

    /// Says that this process explores.
    ///
    /// # Errors
    ///
    /// The folder cannot be written to.
    pub(crate) fn start(&self) -> std::io::Result<()> {
        if let Some(folder) = self.started.parent() {
            fs::create_dir_all(folder)?;
        }
        fs::write(&self.started, std::process::id().to_string())
    }

    /// Tells the others what was found.
    ///
    /// # Errors
    ///
    /// The folder cannot be written to.
    pub(crate) fn finish(&self, explored: &Explored) -> std::io::Result<()> {
        let text = serde_json::to_vec(explored).map_err(std::io::Error::other)?;
        write_whole(&self.result, &text)
    }
}

/// Removes what runs of long ago left.
pub(crate) fn remove_old(runs: &Path, now: SystemTime) {
    for entry in fs::read_dir(runs).into_iter().flatten().flatten() {
        let modified = entry.metadata().and_then(|about| about.modified());
        let old = modified
            .ok()
            .and_then(|modified| now.duration_since(modified).ok())
            .is_some_and(|age| age > KEPT);
        if old {
            // Another process may remove it at the same time.
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_explores_and_the_others_read() {
        let folder = tempfile::tempdir().unwrap();
        let shared = Shared::of(folder.path(), "orders");
        assert!(shared.read("orders").is_none());
        shared.start().unwrap();
        let Some(Explored::Failed(why)) = shared.read("orders") else {
            panic!("an explorer that is gone is not noticed");
        };
        assert!(why.contains("the process that explored `orders`"), "{why}");
        shared.finish(&Explored::Failed("why".into())).unwrap();
        assert!(matches!(shared.read("orders"), Some(Explored::Failed(w)) if w == "why"));
        fs::write(folder.path().join("orders.json"), "{").unwrap();
        assert!(
            matches!(shared.read("orders"), Some(Explored::Failed(w)) if w.contains("cannot be understood"))
        );
    }

    #[test]
    fn runs_of_long_ago_are_removed() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("run")).unwrap();
        remove_old(folder.path(), SystemTime::now());
        assert!(folder.path().join("run").exists());
        remove_old(folder.path(), SystemTime::now() + KEPT + KEPT);
        assert!(!folder.path().join("run").exists());
    }
}
