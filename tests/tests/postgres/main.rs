//! PostgreSQL, driven against another process that holds the database open through several connections and commits.
#![cfg(unix)]

mod app;
mod bench;
mod conformance;
mod crash;
mod following;
mod hostile;
mod look;
mod migrations;
mod refusals;
mod savepoint;
mod schema;
mod sharing;
mod template;
mod trial;
mod waiting;

use std::sync::{Arc, LazyLock};

use libtest_mimic::Arguments;
use venomqa_tests::servers::Postgres;

fn main() {
    app::become_app_if_asked();
    waiting::become_other_run_if_asked();
    let arguments = Arguments::from_args();
    let server: Arc<LazyLock<Postgres>> = Arc::new(LazyLock::new(Postgres::start));
    let mut trials = conformance::trials(&server);
    trials.extend(sharing::trials(&server));
    trials.extend(template::trials(&server));
    trials.extend(crash::trials());
    trials.extend(migrations::trials(&server));
    for tests in [
        following::TESTS,
        schema::TESTS,
        waiting::TESTS,
        refusals::TESTS,
        crash::TESTS,
        savepoint::TESTS,
        template::TESTS,
    ] {
        trials.extend(trial::trials(&server, tests));
    }
    let conclusion = libtest_mimic::run(&arguments, trials);
    drop(server);
    conclusion.exit()
}
