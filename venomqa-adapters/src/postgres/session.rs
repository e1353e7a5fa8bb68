use std::fmt::Debug;

use super::link::Link;
use super::location::Location;
use super::stop::Stop;
use crate::{BoxFuture, Checkpoint, Error, RowChange, Sealed};

/// What there is between `begin` and `close`, one kind for each mode.
///
/// Each method is one attempt, which may be repeated when it fails for a reason that passes.
pub(super) trait Session: Debug + Send {
    fn link(&mut self) -> &mut Link;

    fn changes(&mut self) -> BoxFuture<'_, Result<Vec<RowChange>, Stop>>;

    fn seal(&mut self) -> BoxFuture<'_, Result<Sealed, Stop>>;

    fn can_restore(&self, to: Checkpoint) -> bool;

    fn restore(&mut self, to: Checkpoint) -> BoxFuture<'_, Result<Vec<RowChange>, Stop>>;

    fn release(&mut self, checkpoint: Checkpoint);

    fn memory(&self) -> usize;

    /// Returns to the root and removes everything of ours. Says what could not be put back.
    fn retire(&mut self) -> BoxFuture<'_, Result<Option<Error>, Stop>>;

    /// Makes a copy of the root under another name, which goes with the run.
    fn clone_database<'a>(&'a mut self, _name: &'a str) -> BoxFuture<'a, Result<(), Stop>> {
        Box::pin(async { Err(Stop::Failed(only_by_copies(&self.link().location))) })
    }
}

fn only_by_copies(location: &Location) -> Error {
    Error::Database {
        system: location.name.clone(),
        doing: "clone it".into(),
        source: "only `PostgresMode::Template` keeps a copy to which nobody is connected".into(),
    }
}
