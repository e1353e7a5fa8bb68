use crate::Checkpoint;

/// What can go wrong between VenomQA and a system.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The system was not touched, because it does not look like a test database on this machine.
    #[error("{system} refused: {why}; {remedy}")]
    Refused {
        /// The system, as a person would name it (`SQLite file orders.db`).
        system: String,
        /// What speaks against it.
        why: String,
        /// What the user can do.
        remedy: String,
    },

    /// The system cannot be brought to rest: somebody holds a lock or an open transaction.
    #[error("{system} is busy: {why}; {remedy}")]
    Busy {
        /// The system, as a person would name it.
        system: String,
        /// Who holds it, and with what.
        why: String,
        /// What the user can do.
        remedy: String,
    },

    /// Something happened that this mechanism cannot undo, such as DDL under a journal.
    #[error("{system} cannot undo `{statement}`; {remedy}")]
    Irreversible {
        /// The system, as a person would name it.
        system: String,
        /// The statement, or what is known of it.
        statement: String,
        /// What the user can do.
        remedy: String,
    },

    /// The checkpoint was released, or lies where this system cannot go.
    #[error("{system} has no way back to {checkpoint:?}: {why}")]
    OutOfReach {
        /// The system, as a person would name it.
        system: String,
        /// Where the caller wanted to go.
        checkpoint: Checkpoint,
        /// Why it cannot be reached.
        why: &'static str,
    },

    /// Rows changed behind the run's back, or what was stored for the way back is lost: nothing was restored.
    #[error("{system} was not restored: {why}; {remedy}")]
    NotRestored {
        /// The system, as a person would name it.
        system: String,
        /// What changed or is missing.
        why: String,
        /// What the user can do.
        remedy: String,
    },

    /// A statement of the user, or one of ours, failed.
    #[error("{system} failed to {doing}: {source}")]
    Database {
        /// The system, as a person would name it.
        system: String,
        /// What was being done, as a verb phrase.
        doing: String,
        /// What the driver said.
        source: Box<dyn std::error::Error + Send + Sync>,
    },

    /// A value was asked for as a type that it is not.
    #[error("column `{column}` holds {found}, not {wanted}")]
    WrongType {
        /// The column asked for.
        column: String,
        /// What it holds.
        found: String,
        /// The Rust type asked for.
        wanted: &'static str,
    },

    /// A column was asked for that the result does not have.
    #[error("no column `{column}` in the result; it has {}", .columns.join(", "))]
    NoColumn {
        /// The column asked for.
        column: String,
        /// The columns there are.
        columns: Vec<String>,
    },
}

/// The result of everything that talks to a system.
pub type Result<T, E = Error> = std::result::Result<T, E>;
