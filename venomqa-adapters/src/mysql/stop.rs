use crate::Error;

/// Why an attempt at the database ended early.
#[derive(Debug)]
pub(super) enum Stop {
    /// Somebody else wrote in between: the attempt is worth repeating.
    Again,
    /// A transaction of this name is prepared, but neither committed nor rolled back.
    Prepared(String),
    /// The server or the driver failed, possibly because somebody else holds a lock.
    Sql(mysql_async::Error),
    /// Nothing to repeat.
    Failed(Error),
}

/// Numbers of the server's errors.
const LOCK_WAIT_TIMEOUT: u16 = 1205;
const DEADLOCK: u16 = 1213;
const SHUTDOWN: u16 = 1053;
const KILLED_QUERY: u16 = 1317;
const KILLED: u16 = 1927;
const READ_FAILED: u16 = 1160;
const NO_ACCESS: [u16; 7] = [1044, 1142, 1143, 1227, 1370, UNTRUSTED[0], UNTRUSTED[1]];
const UNTRUSTED: [u16; 2] = [1418, 1419];
const NO_SUCH_ROW: u16 = 1032;
const DUPLICATE: u16 = 1062;
const NO_SUCH_SAVEPOINT: u16 = 1305;
const NO_SUCH_TABLE: u16 = 1146;
const NO_SUCH_DATABASE: u16 = 1049;
const NO_SUCH_ROUTINE: u16 = 1305;
const NO_SUCH_TRIGGER: u16 = 1360;
const NO_SUCH_EVENT: u16 = 1539;
const PURGED_LOG: u16 = 1236;

impl Stop {
    /// A connection is gone.
    pub(super) fn lost() -> Self {
        Self::Sql(mysql_async::DriverError::ConnectionClosed.into())
    }

    fn number(&self) -> Option<u16> {
        match self {
            Self::Sql(mysql_async::Error::Server(error)) => Some(error.code),
            _ => None,
        }
    }

    /// Whether somebody else holds what is needed.
    pub(super) fn is_locked(&self) -> bool {
        matches!(self.number(), Some(LOCK_WAIT_TIMEOUT | DEADLOCK))
    }

    /// Whether a connection is gone, which a new one may make good.
    pub(super) fn is_lost(&self) -> bool {
        match self {
            Self::Sql(mysql_async::Error::Io(_)) => true,
            Self::Sql(mysql_async::Error::Driver(error)) => matches!(
                error,
                mysql_async::DriverError::ConnectionClosed
                    | mysql_async::DriverError::PacketOutOfOrder
                    | mysql_async::DriverError::UnexpectedPacket { .. }
            ),
            _ => matches!(
                self.number(),
                Some(SHUTDOWN | KILLED_QUERY | KILLED | READ_FAILED | PURGED_LOG)
            ),
        }
    }

    /// Whether the attempt may succeed once others are done.
    pub(super) fn is_passing(&self) -> bool {
        matches!(self, Self::Again | Self::Prepared(_)) || self.is_locked() || self.is_lost()
    }

    /// Whether the account may not do this.
    pub(super) fn is_denied(&self) -> bool {
        self.number()
            .is_some_and(|number| NO_ACCESS.contains(&number))
    }

    /// Whether the server does not trust the account with a trigger or function while it writes a binary log, into which this is
    /// not written.
    pub(super) fn is_untrusted(&self) -> bool {
        self.number()
            .is_some_and(|number| UNTRUSTED.contains(&number))
    }

    /// Whether rows that were to be replaced are not there, or others are in their place.
    pub(super) fn is_astray(&self) -> bool {
        matches!(self.number(), Some(NO_SUCH_ROW | DUPLICATE))
    }

    pub(super) fn is_no_savepoint(&self) -> bool {
        self.number() == Some(NO_SUCH_SAVEPOINT)
    }

    /// Whether a table or database is gone.
    pub(super) fn is_missing(&self) -> bool {
        matches!(self.number(), Some(NO_SUCH_TABLE | NO_SUCH_DATABASE))
    }

    /// Whether something else that a schema consists of is gone.
    pub(super) fn is_undefined(&self) -> bool {
        self.is_missing()
            || matches!(
                self.number(),
                Some(NO_SUCH_ROUTINE | NO_SUCH_TRIGGER | NO_SUCH_EVENT)
            )
    }

    /// The error for the caller, where somebody else's lock is not the reason.
    pub(super) fn into_error(self, system: &str, doing: &str) -> Error {
        match self {
            Self::Failed(error) => error,
            Self::Sql(source) => Error::Database {
                system: system.into(),
                doing: doing.into(),
                source: source.into(),
            },
            Self::Prepared(name) => Error::Busy {
                system: system.into(),
                why: format!(
                    "the XA transaction `{name}` is prepared, so it was impossible to {doing}"
                ),
                remedy: "end it with `XA COMMIT` or `XA ROLLBACK`, or raise `settle`".into(),
            },
            Self::Again => Error::Busy {
                system: system.into(),
                why: format!("others kept writing, so it was impossible to {doing}"),
                remedy: "let the application come to rest after it has answered, or raise `settle`"
                    .into(),
            },
        }
    }
}

impl From<mysql_async::Error> for Stop {
    fn from(error: mysql_async::Error) -> Self {
        Self::Sql(error)
    }
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}
