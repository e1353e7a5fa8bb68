//! The fixtures under the real cargo-nextest, which runs one test in each process.

use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

struct Run {
    code: Option<i32>,
    output: String,
    worlds: Vec<String>,
}

fn nextest(folder: &TempDir, fixture: &str, ways: &str, arguments: &[&str]) -> Run {
    let mut command = Command::new(env!("CARGO"));
    for (name, _) in std::env::vars_os() {
        let name = name.to_string_lossy();
        let ours = ["VENOMQA_", "NEXTEST", "GITHUB_"];
        if ours.iter().any(|prefix| name.starts_with(prefix)) || name == "CI" {
            command.env_remove(&*name);
        }
    }
    let trace = folder.path().join("trace");
    let output = command
        .args(["nextest", "run", "--no-fail-fast", "--color", "never"])
        .args(["-p", "venomqa-tests", "--test", fixture])
        .args(arguments)
        .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")))
        .env("FIXTURE", ways)
        .env("FIXTURE_DIR", folder.path())
        .env("FIXTURE_TRACE", &trace)
        .env("RUST_BACKTRACE", "0")
        .output()
        .unwrap();
    let worlds = std::fs::read_to_string(trace).unwrap_or_default();
    Run {
        code: output.status.code(),
        output: String::from_utf8(output.stderr).unwrap(),
        worlds: worlds.lines().map(Into::into).collect(),
    }
}

fn check(ways: &str, arguments: &[&str], code: i32, said: &[&str], worlds: &[&str]) {
    let folder = tempfile::tempdir().unwrap();
    let mut run = nextest(&folder, "fixture_orders", ways, arguments);
    run.worlds.sort();
    assert_eq!(run.code, Some(code), "{}", run.output);
    for said in said {
        assert!(run.output.contains(said), "{said}\n{}", run.output);
    }
    assert_eq!(run.worlds, worlds, "{}", run.output);
}

/// What nextest ends with when a test failed.
const FAILED: i32 = 100;

#[test]
fn each_suite_is_explored_once() {
    check(
        "",
        &[],
        FAILED,
        &["5 tests run: 4 passed, 1 failed"],
        &["orders", "users"],
    );
    check(
        "fixed",
        &[],
        0,
        &["5 tests run: 5 passed"],
        &["orders", "users"],
    );
}

#[test]
fn a_filter_starts_no_other_suite() {
    let shard = ["-E", "test(/^users::/)"];
    check("", &shard, 0, &["2 tests run: 2 passed"], &["users"]);
}

#[test]
fn a_retry_executes_the_sequence_again() {
    let retries = ["--retries", "1", "-E", "test(no_over_refund)"];
    check("flaky", &retries, 0, &["1 flaky"], &["orders", "orders"]);
    check("", &retries, FAILED, &["1 failed"], &["orders", "orders"]);
}

#[test]
fn a_dead_explorer_fails_the_suite_at_once() {
    check(
        "dies",
        &["-E", "test(/^orders::/)"],
        FAILED,
        &["3 failed", "the process that explored `orders`"],
        &["orders"],
    );
}

#[test]
fn what_makes_no_suites_fails_the_run() {
    let folder = tempfile::tempdir().unwrap();
    let run = nextest(&folder, "fixture_clashing", "", &[]);
    assert_ne!(run.code, Some(0));
    assert!(
        run.output.contains("two actions are named `buy`"),
        "{}",
        run.output
    );
}

#[test]
fn junit_tells_the_violation_and_the_next_run_has_its_regression() {
    let folder = tempfile::tempdir().unwrap();
    let run = nextest(&folder, "fixture_orders", "", &["--profile", "ci"]);
    assert_eq!(run.code, Some(FAILED), "{}", run.output);
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap();
    let junit = std::fs::read_to_string(target.join("nextest/ci/junit.xml")).unwrap();
    let failure =
        "<failure message=\"Error: critical: no_over_refund is broken: refunded 200 of 100";
    assert!(junit.contains(failure), "{junit}");

    let again = nextest(&folder, "fixture_orders", "", &["-E", "test(regressions)"]);
    assert!(
        again.output.contains("1 test run: 0 passed, 1 failed"),
        "{}",
        again.output
    );
    assert!(
        again.output.contains("no_over_refund is broken again"),
        "{}",
        again.output
    );
}
