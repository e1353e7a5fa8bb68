use redis::{RedisError, ServerError};

use crate::Error;

/// Why an attempt at the server ended early.
#[derive(Debug)]
pub(super) enum Stop {
    /// The connection is gone, or there is none to be had.
    Lost(RedisError),
    /// The server has other things to do, or an application keeps writing: what it is doing.
    Busy(String),
    /// The server refused a command, so that nothing of the attempt was done.
    Refused(ServerError),
    /// Nothing to repeat.
    Failed(Error),
}

impl Stop {
    /// What a command was answered with, in place of a reply.
    pub(super) fn of(error: ServerError) -> Self {
        match error.code() {
            "BUSY" => Self::Busy("it runs a script".into()),
            "LOADING" => Self::Busy("it is still loading its data".into()),
            "MASTERDOWN" | "TRYAGAIN" => Self::Busy(error.to_string()),
            _ => Self::Refused(error),
        }
    }

    /// Whether the attempt may succeed later. All attempts can be repeated: they read, or they write what shall be there.
    pub(super) fn is_passing(&self) -> bool {
        matches!(self, Self::Lost(_) | Self::Busy(_))
    }

    pub(super) fn is_out_of_memory(&self) -> bool {
        matches!(self, Self::Refused(error) if error.code() == "OOM")
    }

    /// The error for the caller of an attempt that is given up.
    pub(super) fn into_error(self, system: &str, doing: &str) -> Error {
        let out_of_memory = self.is_out_of_memory();
        let system = system.to_owned();
        match self {
            Self::Failed(error) => error,
            Self::Busy(why) => Error::Busy {
                system,
                why: format!("{why}, so it was impossible to {doing}"),
                remedy: "let it finish before the response is sent (`SCRIPT KILL` ends a script), or raise `RedisOptions::settle`".into(),
            },
            Self::Lost(source) => Error::Database {
                system,
                doing: doing.into(),
                source: source.into(),
            },
            Self::Refused(error) if out_of_memory => Error::Database {
                system,
                doing: doing.into(),
                source: format!(
                    "the server is out of memory and takes no keys back; raise its limit (`CONFIG SET maxmemory 0` takes it \
                     away) or let the application store less ({error})"
                )
                .into(),
            },
            Self::Refused(error) if error.code() == "NOPERM" => Error::Refused {
                system,
                why: format!("it was impossible to {doing}: {error}"),
                remedy: "grant the user the keys and commands that it lacks, for example `ACL SETUSER <user> ~* +@all -@admin`".into(),
            },
            Self::Refused(error) => Error::Database {
                system,
                doing: doing.into(),
                source: error.to_string().into(),
            },
        }
    }
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}
