//! The servers that need databases do what their documentation says, as told over HTTP.

mod conversation;
mod gateway;
mod shop;
mod wallet;

use std::sync::{Arc, LazyLock};

use libtest_mimic::{Arguments, Trial};
use venomqa_tests::servers::{MariaDb, Postgres, Redis};

/// The database servers that the tests share, each test with databases of its own. They start when a test wants them.
pub(crate) struct Databases {
    postgres: LazyLock<Postgres>,
    mariadb: LazyLock<MariaDb>,
    redis: LazyLock<Redis>,
}

fn main() {
    let arguments = Arguments::from_args();
    let databases = Arc::new(Databases {
        postgres: LazyLock::new(Postgres::start),
        mariadb: LazyLock::new(MariaDb::start),
        redis: LazyLock::new(Redis::start),
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
