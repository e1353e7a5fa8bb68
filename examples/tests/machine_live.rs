//! The orders machine on real databases: the figures are exact, whatever the orders lie in, and whatever lies beside them.

use std::path::Path;

use libtest_mimic::{Arguments, Trial};
use venomqa::{Ended, Exploration, World};
use venomqa_examples::orders_machine::{http, live};
use venomqa_tests::servers::{MariaDb, Postgres, Redis};

fn main() {
    let arguments = Arguments::from_args();
    let (postgres, mariadb, redis) = (Postgres::start(), MariaDb::start(), Redis::start());
    let databases = [
        ("PostgreSQL", postgres.url("machine")),
        ("MariaDB", mariadb.url("machine")),
        ("Redis", redis.url(0)),
    ];
    let live = databases.map(|(name, url)| trial(name, async move || in_database(&url).await));
    let trials = [trial("SQLite", in_file)].into_iter().chain(live);
    let conclusion = libtest_mimic::run(&arguments, trials.collect());
    drop((postgres, mariadb, redis));
    conclusion.exit()
}

fn trial(place: &str, world: impl AsyncFnOnce() -> World + Send + 'static) -> Trial {
    let name = format!("three orders in {place} have 400 states and 5200 transitions");
    Trial::test(name, move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        runtime.block_on(async {
            check(
                http::agent(world().await, 3)
                    .explore()
                    .await
                    .expect("an exploration"),
            )
        });
        Ok(())
    })
}

async fn in_database(url: &str) -> World {
    live::renew(url, 1000).await.expect("a new database");
    let program = Path::new(env!("CARGO_BIN_EXE_machine"));
    live::world(program, url, 3).await.expect("a world")
}

async fn in_file() -> World {
    let file = concat!(env!("CARGO_TARGET_TMPDIR"), "/machine.db");
    let program = Path::new(env!("CARGO_BIN_EXE_orders"));
    http::world(program, Path::new(file), 3)
        .await
        .expect("a world")
}

fn check(found: Exploration) {
    let told = found.summary();
    assert_eq!(found.ended, Ended::Complete, "{told}");
    assert_eq!(found.shortcomings(), [""; 0], "{told}");
    assert!(found.diverged.is_empty(), "{told}");
    let figures = (found.states_visited, found.transitions, found.depth);
    assert_eq!(figures, (400, 5200, 12), "{told}");
    let [violation] = &*found.violations else {
        panic!("{told}");
    };
    assert_eq!(violation.path(), "create-pay-refund-cancel", "{told}");
    assert!(violation.is_confirmed(), "{told}");
}
