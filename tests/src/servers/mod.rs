//! Real database servers for tests: started from the installed programs in a folder and on a port of their own, or those that the
//! environment names.
//!
//! | server | named by | Debian's package |
//! |---|---|---|
//! | [`Postgres`] | `VENOMQA_TEST_POSTGRES_URL` | `postgresql` |
//! | [`MariaDb`] | `VENOMQA_TEST_MYSQL_URL` | `mariadb-server` |
//! | [`Redis`] | `VENOMQA_TEST_REDIS_URL` | `redis-server` |
//!
//! A server of ours ends with the process that started it, however that ends, and leaves nothing behind.

mod mariadb;
mod postgres;
mod process;
mod program;
mod redis;

pub use mariadb::{BinaryLog, MariaDb};
pub use postgres::Postgres;
pub use redis::Redis;

use std::time::{Duration, Instant};

/// A URL up to, but without, the slash before the database.
fn without_database(url: &str) -> String {
    let from = url.find("://").map_or(0, |scheme| scheme + 3);
    let end = url[from..]
        .find('/')
        .map_or(url.len(), |slash| from + slash);
    url[..end].to_owned()
}

/// Waits until something holds.
///
/// # Panics
///
/// It does not within a minute.
fn eventually(what: &str, holds: impl Fn() -> bool) {
    let limit = Instant::now() + Duration::from_secs(60);
    while !holds() {
        assert!(Instant::now() < limit, "in vain it was waited until {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}
