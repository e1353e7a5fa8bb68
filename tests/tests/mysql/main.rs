//! MariaDB, driven against another process that holds the database open and commits.
#![cfg(unix)]

mod app;
mod bench;
mod conformance;
mod crash;
mod following;
mod lasting;
mod life;
mod log;
mod rights;
mod savepoint;
mod schema;
mod waiting;

use libtest_mimic::Arguments;
use venomqa_tests::servers::MariaDb;

fn main() {
    app::become_app_if_asked();
    let server = MariaDb::start();
    let mut trials = conformance::trials(&server);
    for tests in [
        following::TESTS,
        log::TESTS,
        waiting::TESTS,
        schema::TESTS,
        life::TESTS,
        rights::TESTS,
        crash::TESTS,
        savepoint::TESTS,
    ] {
        trials.extend(bench::trials(&server, tests));
    }
    trials.extend(lasting::trials());
    let conclusion = libtest_mimic::run(&Arguments::from_args(), trials);
    drop(server);
    conclusion.exit();
}
