//! Redis, driven against another process that holds connections open and writes.
#![cfg(unix)]

mod app;
mod bench;
mod conformance;
mod crash;
mod faults;
mod following;
mod hostile;
mod look;
mod waiting;

use std::sync::Arc;

use libtest_mimic::{Arguments, Failed, Trial};

use bench::{Bench, Shared};

pub(crate) type Test = fn(&Bench<'_>) -> Result<(), Failed>;

const CONFORMANCE: &[(&str, Test)] = &[
    ("conformance_tracking", conformance::tracking),
    ("conformance_dump", conformance::dump),
];

fn main() {
    app::become_app_if_asked();
    waiting::become_other_run_if_asked();
    let arguments = Arguments::from_args();
    let shared = Arc::new(Shared::start());
    let tests = [
        CONFORMANCE,
        following::TESTS,
        faults::TESTS,
        crash::TESTS,
        waiting::TESTS,
    ];
    let trials = tests.into_iter().flatten().map(|&(name, test)| {
        let shared = shared.clone();
        Trial::test(name, move || test(&shared.bench()))
    });
    let conclusion = libtest_mimic::run(&arguments, trials.collect());
    drop(shared);
    conclusion.exit();
}
