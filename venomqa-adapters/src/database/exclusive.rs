use std::time::{Duration, Instant};

use crate::wait::tell_wait;
use crate::{Error, Result, WaitHook};

/// How long to wait between two attempts at a lock.
const PAUSE: Duration = Duration::from_millis(20);

/// How a run waits for the exclusive right to explore a database, while others hold it.
pub(crate) struct Queue<'a> {
    /// The database, as a person would name it.
    system: &'a str,
    limit: Duration,
    on_wait: Option<&'a WaitHook>,
    since: Instant,
    told: String,
}

impl<'a> Queue<'a> {
    pub(crate) fn new(system: &'a str, limit: Duration, on_wait: Option<&'a WaitHook>) -> Self {
        Self {
            system,
            limit,
            on_wait,
            since: Instant::now(),
            told: String::new(),
        }
    }

    /// Waits before the next attempt, and says whom it waits for, once for each holder.
    pub(crate) async fn wait_for(&mut self, holder: String) -> Result<()> {
        if self.since.elapsed() >= self.limit {
            return Err(Error::Busy {
                system: self.system.into(),
                why: format!("{holder} explores it"),
                remedy: "let it end, or give this run a database of its own".into(),
            });
        }
        if self.told != holder {
            let message = format!("{}: waiting for {holder}", self.system);
            tell_wait(self.on_wait, &message);
            self.told = holder;
        }
        tokio::time::sleep(PAUSE).await;
        Ok(())
    }
}

/// This process, as others that wait for it name it: `checkout-3f2a (process 4711)`.
pub(crate) fn this_run() -> String {
    let program = std::env::args_os().next().unwrap_or_default();
    let program = std::path::PathBuf::from(program);
    let program = program.file_name().unwrap_or_default().to_string_lossy();
    format!("{program} (process {})", std::process::id())
}
