use std::env;
use std::error::Error;
use std::str::FromStr;

use venomqa::demo::serve::ServeError;

use super::UnknownBug;

/// Why a server did not start, or stopped by itself.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// A variable without which the server cannot start is not set.
    #[error("{variable} is not set; it has to be like `{example}`")]
    NotSet {
        /// The name of the variable.
        variable: &'static str,
        /// What it may be.
        example: &'static str,
    },
    /// A variable that has to be a number is none, or one too large.
    #[error("{variable} is `{value}`, which is not a number in its range")]
    NotANumber {
        /// The name of the variable.
        variable: &'static str,
        /// What it is set to.
        value: String,
    },
    /// The variable of bugs has a name that is no bug's.
    #[error("{0}")]
    UnknownBug(#[from] UnknownBug),
    /// A database cannot be reached, or is not one of this server.
    #[error("cannot use {what}: {source}")]
    Database {
        /// Which one.
        what: &'static str,
        /// What it says.
        source: Box<dyn Error + Send + Sync>,
    },
    /// The port is taken, or something else that a server needs is refused.
    #[error(transparent)]
    Serve(#[from] ServeError),
}

impl StartError {
    /// Makes a database's error one of ours.
    pub(crate) fn of<E: Into<Box<dyn Error + Send + Sync>>>(
        what: &'static str,
    ) -> impl Fn(E) -> Self {
        move |source| Self::Database {
            what,
            source: source.into(),
        }
    }
}

/// Set to nothing counts as not set.
pub(crate) fn variable(name: &str) -> Option<String> {
    let value = env::var_os(name)?.to_string_lossy().into_owned();
    (!value.is_empty()).then_some(value)
}

pub(crate) fn required(name: &'static str, example: &'static str) -> Result<String, StartError> {
    variable(name).ok_or(StartError::NotSet {
        variable: name,
        example,
    })
}

pub(crate) fn number<T: FromStr>(name: &'static str, default: T) -> Result<T, StartError> {
    let Some(value) = variable(name) else {
        return Ok(default);
    };
    value.parse().map_err(|_| StartError::NotANumber {
        variable: name,
        value,
    })
}
