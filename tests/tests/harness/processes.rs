//! Several processes: as nextest runs them, and beside each other. nextest itself is driven by the target `nextest`.

use std::fs::{self, File};
use std::io::{BufRead as _, BufReader, Read as _};

use crate::fixture::{Fixture, Run};

/// A fixture that believes itself to be run by nextest.
fn nextest(ways: &str, attempt: &str) -> Fixture {
    Fixture::orders()
        .with("FIXTURE", ways)
        .with("NEXTEST", "1")
        .with("NEXTEST_RUN_ID", "run-1")
        .with("NEXTEST_BINARY_ID", "venomqa-tests::fixture_orders")
        .with("NEXTEST_STRESS_CURRENT", "none")
        .with("NEXTEST_ATTEMPT", attempt)
}

const TESTS: [&str; 3] = ["explore", "no_over_refund", "orders_have_ids"];

fn one(name: &str) -> String {
    format!("--exact orders::{name} --nocapture")
}

#[test]
fn processes_at_the_same_time_explore_once() {
    let fixture = nextest("", "1");
    let children = TESTS.map(|name| fixture.spawn(&one(name)));
    let codes = children.map(|child| Run::of(child).status.code());
    assert_eq!(codes, [Some(0), Some(101), Some(0)]);
    assert_eq!(fixture.worlds(), ["orders"]);
    let shared = fixture.files("target/venomqa/runs");
    assert!(shared[0].ends_with("/orders.json"), "{shared:?}");
}

#[test]
fn details_are_told_once_on_stderr_for_junit() {
    let fixture = nextest("", "1");
    let run = fixture.run(&one("no_over_refund")).ends_with(101);
    let line = "Error: critical: no_over_refund is broken: refunded 200 of 100\n";
    assert!(run.stderr.contains(line), "{}", run.stderr);
    assert_eq!(run.stderr.matches("refunded 200 of 100").count(), 1);
    assert!(!run.stdout.contains("refunded"), "{}", run.stdout);
    assert_eq!(run.results(), ["orders::no_over_refund FAILED"]);
}

#[test]
fn nobody_explores_again_when_the_explorer_died() {
    let fixture = nextest("dies", "1");
    let died = fixture.run(&one("explore"));
    assert_ne!(died.status.code(), Some(0));
    for name in TESTS {
        let run = fixture.run(&one(name)).ends_with(101);
        assert!(
            run.stderr.contains("Error: ")
                && run
                    .stderr
                    .contains("the process that explored `orders` (pid "),
            "{}",
            run.stderr
        );
    }
    assert_eq!(fixture.worlds(), ["orders"]);
}

#[test]
fn a_world_that_cannot_be_made_is_made_once() {
    let fixture = nextest("fails", "1");
    for name in TESTS {
        let run = fixture.run(&one(name)).ends_with(101);
        assert!(
            run.stderr.contains("the world could not be made ready"),
            "{}",
            run.stderr
        );
    }
    assert_eq!(fixture.worlds(), ["orders"]);
}

#[test]
fn a_retry_executes_the_recorded_sequence_again() {
    let first = nextest("flaky", "1");
    first.run(&one("no_over_refund")).ends_with(101);
    let second = first.with("NEXTEST_ATTEMPT", "2");
    let run = second.run(&one("no_over_refund")).ends_with(0);
    assert!(run.stderr.contains("held when"), "{}", run.stderr);
    assert_eq!(second.worlds(), ["orders", "orders"]);

    let still = nextest("", "2");
    still.run(&one("explore")).ends_with(0);
    still.run(&one("no_over_refund")).ends_with(101);
    assert_eq!(still.worlds(), ["orders", "orders"]);
}

#[test]
fn runs_do_not_share() {
    let fixture = nextest("", "1");
    fixture.run(&one("explore")).ends_with(0);
    let other = fixture.with("NEXTEST_RUN_ID", "run-2");
    other.run(&one("explore")).ends_with(0);
    assert_eq!(other.worlds(), ["orders", "orders"]);
}

#[test]
fn who_waits_says_for_whom() {
    let fixture = Fixture::orders();
    let locks = fixture.path("target/venomqa/locks");
    fs::create_dir_all(&locks).unwrap();
    let held = File::create(locks.join("fixture_orders-users.lock")).unwrap();
    held.lock().unwrap();
    fs::write(locks.join("fixture_orders-users.pid"), "4711").unwrap();
    let mut child = fixture.spawn("users");
    let mut stderr = BufReader::new(child.stderr.take().unwrap());
    let mut line = String::new();
    stderr.read_line(&mut line).unwrap();
    assert_eq!(
        line,
        "users: waiting for process 4711, which uses this suite's world\n"
    );
    assert!(fixture.worlds().is_empty());
    held.unlock().unwrap();
    let mut rest = String::new();
    stderr.read_to_string(&mut rest).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(0), "{rest}");
    assert_eq!(fixture.worlds(), ["users"]);
}
