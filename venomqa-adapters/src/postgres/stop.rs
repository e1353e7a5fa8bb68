use super::holder::holders;
use super::location::Location;
use super::run::Run;
use crate::Error;

/// Why an attempt at the database ended early.
#[derive(Debug)]
pub(super) enum Stop {
    /// Somebody has a transaction open that has written.
    Busy,
    /// They are connected to a database that is to be copied or renamed.
    Connected(String),
    /// PostgreSQL failed, possibly because of a lock or a broken connection.
    Sql(sqlx::Error),
    /// Nothing to repeat.
    Failed(Error),
}

impl Stop {
    /// Whether the attempt may succeed once others are done, or the server is back.
    pub(super) fn is_passing(&self) -> bool {
        match self {
            Self::Busy | Self::Connected(_) => true,
            Self::Sql(_) => self.is_lost() || self.is_in_the_way() || self.is_mismatch(),
            Self::Failed(_) => false,
        }
    }

    /// Whether the connection is of no use any more.
    pub(super) fn is_lost(&self) -> bool {
        match self {
            Self::Sql(sqlx::Error::Io(_) | sqlx::Error::Protocol(_)) => true,
            // Connection exceptions, and a server that shuts down, crashed or starts.
            Self::Sql(_) => self.code().is_some_and(|code| {
                code.starts_with("08") || matches!(code.as_str(), "57P01" | "57P02" | "57P03")
            }),
            _ => false,
        }
    }

    /// Whether it was a lock, a deadlock, or a write in between.
    fn is_in_the_way(&self) -> bool {
        self.code()
            .is_some_and(|code| matches!(code.as_str(), "55P03" | "40P01" | "40001" | "55006"))
    }

    /// Whether rows are not as the journal says: it may have been somebody who wrote just then.
    fn is_mismatch(&self) -> bool {
        self.code().is_some_and(|code| {
            code.starts_with("22") || code.starts_with("23") || code == MISMATCH
        })
    }

    /// Whether something is not there, which may be something of ours.
    fn is_missing(&self) -> bool {
        self.code()
            .is_some_and(|code| matches!(code.as_str(), "3F000" | "42P01" | "42883"))
    }

    /// Whether PostgreSQL failed with this code.
    pub(super) fn has_code(&self, code: &str) -> bool {
        self.code().is_some_and(|found| found == code)
    }

    fn code(&self) -> Option<String> {
        match self {
            Self::Sql(error) => Some(error.as_database_error()?.code()?.into_owned()),
            _ => None,
        }
    }

    /// The error for the caller of an attempt that is given up.
    pub(super) async fn into_error(self, location: &Location, doing: &str) -> Error {
        let system = location.name.clone();
        if let Self::Connected(who) = &self {
            return Error::Busy {
                system,
                why: format!("a copy takes that nobody is connected, but there is {who}: it was impossible to {doing}"),
                remedy: "let the application close its connections before the response is sent, or, if it connects again on its own as pools do, \
                         call `PostgresOptions::terminate_connections`"
                    .into(),
            };
        }
        if matches!(self, Self::Busy) || self.is_in_the_way() {
            let holders = holders(location).await;
            return Error::Busy {
                system,
                why: format!("{holders}, so it was impossible to {doing}"),
                remedy: "end the transaction before the response is sent, or raise `PostgresOptions::settle`".into(),
            };
        }
        if self.has_code("23514") {
            return Error::NotRestored {
                system,
                why: format!("a row that was there before is refused now ({self})"),
                remedy: "let a constraint depend on nothing but its row, or use `PostgresMode::Template`".into(),
            };
        }
        if self.is_mismatch() {
            return Error::NotRestored {
                system,
                why: format!("rows are not as the journal left them ({self})"),
                remedy: "see who writes to this database without firing triggers, and make it anew"
                    .into(),
            };
        }
        if self.is_missing() && !Run::is_recorded(location).await {
            return Run::gone(location);
        }
        self.into_user_error(location, doing)
    }

    /// The error of a statement of the user: just what PostgreSQL said.
    pub(super) fn into_user_error(self, location: &Location, doing: &str) -> Error {
        match self {
            Self::Sql(source) => location.failed(doing, source),
            Self::Failed(error) => error,
            Self::Busy | Self::Connected(_) => {
                location.failed(doing, sqlx::Error::Protocol(self.to_string()))
            }
        }
    }
}

/// The code with which a restore ends that does not find the rows which it is to remove.
const MISMATCH: &str = "VQ001";

impl std::fmt::Display for Stop {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Busy => f.write_str("a transaction is open"),
            Self::Connected(who) => write!(f, "there is {who}"),
            Self::Sql(sqlx::Error::Database(error)) => f.write_str(error.message()),
            Self::Sql(error) => error.fmt(f),
            Self::Failed(error) => error.fmt(f),
        }
    }
}

impl From<sqlx::Error> for Stop {
    fn from(error: sqlx::Error) -> Self {
        Self::Sql(error)
    }
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}
