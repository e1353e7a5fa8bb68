//! Redis, driven against another process that holds connections open and writes.
#![cfg(unix)]

mod app;
mod bench;
mod clients;
mod commands;
mod conformance;
mod crash;
mod expiry;
mod faults;
mod following;
mod hostile;
mod ignoring;
mod look;
mod rights;
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
        commands::TESTS,
        ignoring::TESTS,
        expiry::TESTS,
        faults::TESTS,
        clients::TESTS,
        rights::TESTS,
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
