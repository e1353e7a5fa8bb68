//! Real database servers for tests: started from the installed programs in a folder and on a port of their own, or those that the
//! environment names.
//!
//! | server | named by | which has | Debian's package |
//! |---|---|---|---|
//! | [`Postgres`] | `VENOMQA_TEST_POSTGRES_URL` | a superuser without a password, `max_prepared_transactions` | `postgresql` |
//! | [`MariaDb`] | `VENOMQA_TEST_MYSQL_URL` | `root` without a password, a binary log of full rows | `mariadb-server` |
//! | [`Redis`] | `VENOMQA_TEST_REDIS_URL` | 16 databases, nothing kept on disk | `redis-server` |
//!
//! A server that the environment names is for nothing else: the tests make, empty and remove what is in it.
//!
//! A server of ours ends with the process that started it, however that ends, and leaves nothing behind.

mod address;
mod certificate;
mod mariadb;
mod postgres;
mod process;
mod program;
mod redis;

pub use mariadb::{BinaryLog, MariaDb};
pub use postgres::Postgres;
pub use redis::Redis;
