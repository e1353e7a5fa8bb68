use std::any::Any;
use std::fmt::Debug;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use crate::{Result, Row, RowChange, Table};

/// A boxed future, the form in which the contract stays object safe.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Is told every row of a system, once.
pub type RowVisitor<'a> = &'a mut (dyn FnMut(&Arc<Table>, &Row) + Send);

/// A saved position of one system. Means something only to the system that sealed it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Checkpoint(pub u64);

/// What a system is and can do, for reports and for the explorer's choice of identity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct About {
    /// What a person calls it, with its version and place (`SQLite 3.51 file orders.db, WAL mode`).
    pub name: String,
    /// How it goes back (`trigger journal`), with the reason where it is not the default.
    pub mechanism: String,
    /// What this mechanism cannot undo or cannot see, one sentence each.
    pub gaps: Vec<String>,
    /// Whether it sees what other processes commit, if only to refuse it: then what an API does to it does not stay unseen.
    pub sees_foreign_commits: bool,
}

/// Where a run starts.
#[derive(Clone, Debug)]
pub struct Root {
    /// The checkpoint to which the system returns at the end. Never released.
    pub checkpoint: Checkpoint,
    /// The tables there are, also those without rows.
    pub tables: Vec<Arc<Table>>,
}

/// What [`System::seal`] saved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sealed {
    /// Where it can be gone back to.
    pub checkpoint: Checkpoint,
    /// What the checkpoint contains beyond what was told: the net changes from the contents that were told last to those that
    /// were sealed. They arrived outside a step, and nothing tells them again.
    ///
    /// Told last are the contents at the last call of [`begin`](System::begin), [`changes`](System::changes), [`seal`](System::seal)
    /// or [`restore`](System::restore), whichever it was. The changes told by `changes` at the same position, followed by these, are
    /// therefore the whole edge from the parent to this checkpoint; without such a call these alone are the edge. A row that was told and
    /// changed again has as `old` what was told, not what the parent holds; one that was told as added and went again is a row gone.
    pub untold: Vec<RowChange>,
}

/// Anything with state that can be checkpointed and rolled back: a database, a cache, a mock.
///
/// # The model
///
/// A system has a *live* state, which the API under test changes as it likes through connections of its own, and a
/// *position*: the checkpoint that was sealed or restored last. Checkpoints form a tree: the parent of a new one is the
/// position at which it is sealed. The difference between position and live state is what [`changes`] tells, what [`seal`] keeps as
/// the edge from the parent to the new checkpoint, and what [`restore`] undoes.
///
/// The explorer calls, one at a time and never two at once:
///
/// ```text
/// begin  ( restore -> [action] -> changes -> [seal] -> [rules] -> changes )*  close
/// ```
///
/// Methods take `&self`, because actions and rules hold a shared reference to the system at other times.
///
/// # Promises
///
/// 1. After `restore(c)` the contents are those that the `seal` which returned `c` found, whatever was committed in between, and
///    connections of the API stay open.
/// 2. The cost of `changes`, `seal` and `restore` follows the rows that changed, not those that are stored. A system
///    that cannot promise this says so in [`About::gaps`].
/// 3. Before `begin` returns, everything needed to return to the root is stored durably. After `close`, or after a crash and the next
///    opening of the same system, its contents are those that `begin` found and nothing of ours is left in it.
/// 4. What cannot be undone is an [`Error`](crate::Error), never silence.
///
/// [`changes`]: System::changes
/// [`seal`]: System::seal
/// [`restore`]: System::restore
pub trait System: Any + Debug + Send + Sync {
    /// What this system is. Called before and after [`begin`](System::begin): the mechanism may be chosen there.
    fn about(&self) -> About;

    /// Makes the present contents the root: gets ready to follow changes, and tells every row once.
    ///
    /// Called once, after the API under test has started and made its tables.
    ///
    /// # Errors
    ///
    /// The system is not a test database, is in use, or cannot be followed.
    fn begin<'a>(&'a self, visit: RowVisitor<'a>) -> BoxFuture<'a, Result<Root>>;

    /// The net changes between the position and the live state, in an order that depends on nothing but the rows.
    ///
    /// Waits until the system is quiet: an application may commit after it has answered. Calling it again tells the
    /// same changes, plus what came since.
    ///
    /// # Errors
    ///
    /// The system did not become quiet in time, or something happened that cannot be undone.
    fn changes(&self) -> BoxFuture<'_, Result<Vec<RowChange>>>;

    /// Saves the live state as a child of the position, and moves the position there.
    ///
    /// An application may have written since [`changes`](System::changes) was asked. That is saved too, and returned as
    /// [`Sealed::untold`].
    ///
    /// # Errors
    ///
    /// As for [`changes`](System::changes).
    fn seal(&self) -> BoxFuture<'_, Result<Sealed>>;

    /// Whether [`restore`](System::restore) can go to this checkpoint from the present position.
    ///
    /// A system that jumps anywhere says yes to all that were not released; savepoints to those on the stack; a
    /// system that can only start over to its root.
    fn can_restore(&self, to: Checkpoint) -> bool;

    /// Puts the contents back to those of a checkpoint, and moves the position there.
    ///
    /// Returns the changes among those undone that no call of [`changes`](System::changes) or [`seal`](System::seal) had told:
    /// they arrived outside a step. They are relative to what was told last, as [`Sealed::untold`] is.
    ///
    /// # Errors
    ///
    /// The checkpoint is out of reach, or the system is locked by an open transaction of the application. Either all is
    /// restored or nothing.
    fn restore(&self, to: Checkpoint) -> BoxFuture<'_, Result<Vec<RowChange>>>;

    /// Lets go of a checkpoint that nobody will restore again. Its descendants stay restorable.
    ///
    /// Does no I/O; a checkpoint that is the position may be released too.
    fn release(&self, checkpoint: Checkpoint);

    /// The memory that checkpoints hold in this process, in bytes, estimated.
    fn memory(&self) -> usize;

    /// Returns to the root, removes everything that was installed, and lets go of the system. Further calls of
    /// `close` do nothing.
    ///
    /// # Errors
    ///
    /// The contents could not be put back; the error says what is left and what to do.
    fn close(&self) -> BoxFuture<'_, Result<()>>;
}

/// A system that is shared, as with an application in this process that uses its connection.
impl<S: System + ?Sized> System for Arc<S> {
    fn about(&self) -> About {
        (**self).about()
    }

    fn begin<'a>(&'a self, visit: RowVisitor<'a>) -> BoxFuture<'a, Result<Root>> {
        (**self).begin(visit)
    }

    fn changes(&self) -> BoxFuture<'_, Result<Vec<RowChange>>> {
        (**self).changes()
    }

    fn seal(&self) -> BoxFuture<'_, Result<Sealed>> {
        (**self).seal()
    }

    fn can_restore(&self, to: Checkpoint) -> bool {
        (**self).can_restore(to)
    }

    fn restore(&self, to: Checkpoint) -> BoxFuture<'_, Result<Vec<RowChange>>> {
        (**self).restore(to)
    }

    fn release(&self, checkpoint: Checkpoint) {
        (**self).release(checkpoint);
    }

    fn memory(&self) -> usize {
        (**self).memory()
    }

    fn close(&self) -> BoxFuture<'_, Result<()>> {
        (**self).close()
    }
}
