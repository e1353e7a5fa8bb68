//! SQLite, driven against another process that holds the database open and commits.

#[path = "../app/mod.rs"]
mod app;
mod bench;
mod conformance;
mod crash;
mod following;
mod life;
mod waiting;

use libtest_mimic::{Arguments, Trial};

use bench::Bench;

fn main() {
    app::become_app_if_asked();
    waiting::become_other_run_if_asked();
    let mut trials = conformance::trials();
    let tests = [following::TESTS, waiting::TESTS, life::TESTS, crash::TESTS];
    for (name, test) in tests.into_iter().flatten() {
        for mode in ["WAL", "DELETE"] {
            trials.push(Trial::test(format!("{name}_{mode}"), move || {
                test(&mut Bench::new(mode))
            }));
        }
    }
    libtest_mimic::run(&Arguments::from_args(), trials).exit();
}
