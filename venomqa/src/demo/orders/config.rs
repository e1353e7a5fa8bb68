//! What the environment says, and why the server may not start.

use std::env;
use std::ffi::OsString;
use std::path::PathBuf;
use std::str::FromStr;

use super::bugs::{Bugs, UnknownBug};
use crate::demo::serve::ServeError;

/// How to start the server. The module's table gives the variables and the defaults.
#[derive(Debug, Clone)]
pub struct Config {
    /// `PORT`; 0 takes any free port.
    pub port: u16,
    /// `DATABASE_PATH`
    pub database: PathBuf,
    /// `ORDERS_BUGS`
    pub bugs: Bugs,
    /// `ORDERS_MAX`: further orders are refused.
    pub max_orders: u32,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            port: 0,
            database: PathBuf::from("orders.db"),
            bugs: Bugs::default(),
            max_orders: 3,
        }
    }
}

impl Config {
    /// The defaults, and what the environment says otherwise.
    ///
    /// # Errors
    ///
    /// When a variable is set to what it cannot be.
    pub fn from_env() -> Result<Self, StartError> {
        let mut config = Self::default();
        if let Some(port) = number("PORT")? {
            config.port = port;
        }
        if let Some(path) = variable("DATABASE_PATH") {
            config.database = path.into();
        }
        if let Some(names) = variable("ORDERS_BUGS") {
            config.bugs = names.to_string_lossy().parse()?;
        }
        if let Some(max) = number("ORDERS_MAX")? {
            config.max_orders = max;
        }
        Ok(config)
    }
}

/// Set to nothing counts as not set.
fn variable(name: &str) -> Option<OsString> {
    env::var_os(name).filter(|value| !value.is_empty())
}

fn number<T: FromStr>(name: &'static str) -> Result<Option<T>, StartError> {
    let Some(value) = variable(name) else {
        return Ok(None);
    };
    let value = value.to_string_lossy();
    match value.parse() {
        Ok(number) => Ok(Some(number)),
        Err(_) => Err(StartError::NotANumber {
            variable: name,
            value: value.into_owned(),
        }),
    }
}

/// Why the server did not start, or stopped by itself.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// A variable that has to be a number is none, or one too large.
    #[error("{variable} is `{value}`, which is not a number in its range")]
    NotANumber {
        /// The name of the variable.
        variable: &'static str,
        /// What it is set to.
        value: String,
    },
    /// `ORDERS_BUGS` has a name that is no bug's.
    #[error("ORDERS_BUGS: {0}")]
    UnknownBug(#[from] UnknownBug),
    /// The database cannot be opened, or is not one of this server.
    #[error("cannot open the database `{}`: {source}", path.display())]
    Database {
        /// The file.
        path: PathBuf,
        /// What SQLite says.
        source: rusqlite::Error,
    },
    /// The port is taken, or something else that a server needs is refused.
    #[error(transparent)]
    Serve(#[from] ServeError),
}
