use std::sync::Arc;

use super::contents::Contents;
use super::journal::Journal;

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
}
