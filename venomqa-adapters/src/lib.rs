//! The contract of a rollbackable system, and the systems that fulfil it.
//!
//! VenomQA explores sequences of calls to a live API and has to put the databases behind it back between two branches.
//! Everything that it needs from a database for this stands in one trait, [`System`]. Implementations live beside it, one
//! folder and one feature each:
//!
//! | system | feature | what it follows |
//! |---|---|---|
//! | [`MockSystem`] | always there | tables in memory |
//! | `MySqlAdapter` | `mysql` | a live MySQL or MariaDB database to which another process commits |
//! | `PostgresAdapter` | `postgres` | a live PostgreSQL database to which another process commits |
//! | `RedisAdapter` | `redis` | databases of a live Redis server |
//! | `SqliteAdapter` | `sqlite` | a SQLite file that another process holds open, or a database in memory |
//!
//! The contract is public: a system of your own takes part in an exploration like any of these. The feature `conformance`
//! has the checks that it must pass.

#[cfg(feature = "conformance")]
pub mod conformance;
mod contract;
#[cfg(any(
    feature = "sqlite",
    feature = "postgres",
    feature = "mysql",
    feature = "redis"
))]
mod database;
mod error;
mod mock;
#[cfg(feature = "mysql")]
mod mysql;
#[cfg(feature = "postgres")]
mod postgres;
mod record;
#[cfg(feature = "redis")]
mod redis;
mod row;
#[cfg(feature = "sqlite")]
mod sqlite;
mod tell;
mod wait;

#[cfg(feature = "redis")]
pub use self::redis::{RedisAdapter, RedisMode, RedisOptions};
pub use contract::{About, BoxFuture, Checkpoint, Root, RowVisitor, Sealed, System};
pub use error::{Error, Result};
pub use mock::{Key, MockSystem};
#[cfg(feature = "mysql")]
pub use mysql::{MySqlAdapter, MySqlConnection, MySqlMode, MySqlOptions};
#[cfg(feature = "postgres")]
pub use postgres::{PostgresAdapter, PostgresConnection, PostgresMode, PostgresOptions};
pub use record::{FromValue, Params, Record};
pub use row::{Row, RowChange, Table, Value};
#[cfg(feature = "sqlite")]
pub use sqlite::{SqliteAdapter, SqliteMode, SqliteOptions};
pub use tell::tell;
pub use wait::{WaitHook, on_wait};
