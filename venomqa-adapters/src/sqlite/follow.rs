use std::sync::Arc;

use rusqlite::Connection;

use super::contents::contents;
use super::journal::Journal;
use super::schema::Plan;
use crate::database::contents::Contents;

/// How the difference between position and live state comes to be known.
#[derive(Debug)]
pub(super) enum Follow {
    /// From the log that triggers write.
    Journal(Journal),
    /// By comparing full contents.
    Compare(Compare),
}

/// Full contents at three points in time.
#[derive(Clone, Debug)]
pub(super) struct Compare {
    pub(super) position: Arc<Contents>,
    /// When changes were told last.
    pub(super) told: Arc<Contents>,
    /// When they were read last.
    pub(super) live: Arc<Contents>,
    /// Whether anybody wrote since the position. What contents do not show, such as row numbers, may differ then.
    pub(super) written: bool,
}

impl Compare {
    pub(super) fn at(contents: Arc<Contents>) -> Self {
        Self {
            position: contents.clone(),
            told: contents.clone(),
            live: contents,
            written: false,
        }
    }

    /// Reads what is there now.
    pub(super) fn look(&mut self, db: &Connection, ignored: &[String]) -> rusqlite::Result<()> {
        let plan = Plan::read(db, ignored)?;
        self.live = Arc::new(contents(db, &plan)?);
        self.written = true;
        Ok(())
    }
}
