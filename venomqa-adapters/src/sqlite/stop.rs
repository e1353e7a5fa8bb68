use std::path::Path;

use rusqlite::ErrorCode;

use super::holder::holders;
use super::location::Location;
use crate::Error;

/// Why an attempt at the database ended early.
#[derive(Debug)]
pub(super) enum Stop {
    /// Somebody else wrote in between: the attempt is worth repeating.
    Again,
    /// SQLite failed, possibly because the database is locked.
    Sql(rusqlite::Error),
    /// Nothing to repeat.
    Failed(Error),
}

impl Stop {
    pub(super) fn file(doing: &str, path: &Path, source: std::io::Error) -> Self {
        Self::Failed(Error::Database {
            system: "SQLite".into(),
            doing: format!("{doing} {}", path.display()),
            source: source.into(),
        })
    }

    /// Whether the attempt may succeed once others are done.
    pub(super) fn is_passing(&self) -> bool {
        match self {
            Self::Again => true,
            Self::Sql(rusqlite::Error::SqliteFailure(error, _)) => {
                matches!(
                    error.code,
                    ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked
                )
            }
            _ => false,
        }
    }

    /// The error for the caller of an attempt that is given up.
    pub(super) fn into_error(self, location: &Location, doing: &str) -> Error {
        if self.is_passing() {
            let holders = holders(&location.target);
            let who = match holders.is_empty() {
                true => "another connection".into(),
                false => holders.join(" and "),
            };
            return Error::Busy {
                system: location.name.clone(),
                why: format!("{who} keeps a transaction open, so it was impossible to {doing}"),
                remedy: "end the transaction before the response is sent, or raise `SqliteOptions::settle`".into(),
            };
        }
        match self {
            Self::Failed(error) => error,
            Self::Sql(source) => Error::Database {
                system: location.name.clone(),
                doing: doing.into(),
                source: source.into(),
            },
            Self::Again => unreachable!("passes"),
        }
    }
}

impl From<rusqlite::Error> for Stop {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sql(error)
    }
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}
