//! The servers that need databases do what their documentation says, as told over HTTP.

mod conversation;
mod gateway;
mod shop;
mod wallet;

use std::sync::Arc;

use libtest_mimic::{Arguments, Trial};
use venomqa_tests::servers::{MariaDb, Postgres, Redis};

/// The database servers that the tests share, each test with databases of its own.
pub(crate) struct Databases {
    postgres: Postgres,
    mariadb: MariaDb,
    redis: Redis,
}

fn main() {
    let arguments = Arguments::from_args();
    let databases = Arc::new(Databases {
        postgres: Postgres::start(),
        mariadb: MariaDb::start(),
        redis: Redis::start(),
    });
    let trials = [
        gateway::trials(&databases),
        shop::trials(&databases),
        wallet::trials(&databases),
    ];
    let conclusion = libtest_mimic::run(&arguments, trials.into_iter().flatten().collect());
    drop(databases);
    conclusion.exit()
}

/// A test that talks to servers of its own.
pub(crate) fn trial(
    name: &str,
    databases: &Arc<Databases>,
    test: impl AsyncFnOnce(&Databases) + Send + 'static,
) -> Trial {
    let databases = Arc::clone(databases);
    Trial::test(name, move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        runtime.block_on(test(&databases));
        Ok(())
    })
}
