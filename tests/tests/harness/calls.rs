//! Listing, filters, flags and exit codes.

use crate::fixture::Fixture;

const LIST: &str = "\
orders::explore: test
orders::no_over_refund: test
orders::orders_have_ids: test
users::explore: test
users::few_users: test
";

#[test]
fn the_list_is_sorted_and_runs_none_of_the_users_code() {
    let fixture = Fixture::orders().with("FIXTURE", "panics");
    for line in ["--list", "--list --format terse"] {
        let run = fixture.run(line).ends_with(0);
        assert!(run.stdout.starts_with(LIST), "{}", run.stdout);
        let rest = &run.stdout[LIST.len()..];
        assert!(!rest.contains(": test"), "{rest}");
        assert_eq!(run.stderr, "");
    }
    let ignored = fixture.run("--list --format terse --ignored").ends_with(0);
    assert!(!ignored.stdout.contains(": test"), "{}", ignored.stdout);
    assert!(fixture.worlds().is_empty());
    assert!(fixture.files("").is_empty(), "{:?}", fixture.files(""));
}

#[test]
fn every_rule_of_a_large_suite_is_listed() {
    let fixture = Fixture::new("fixture_large");
    let run = fixture.run("--list").ends_with(0);
    assert_eq!(run.stdout.matches(": test").count(), 51);
}

/// The tests that run, and the suites that were explored for them.
fn check(line: &str, code: i32, results: &[&str], explored: &[&str]) {
    let fixture = Fixture::orders();
    let run = fixture.run(line).ends_with(code);
    assert_eq!(run.results(), results, "{line}");
    assert_eq!(fixture.worlds(), explored, "{line}");
}

const VIOLATION: &str = "orders::no_over_refund::create_order-refund_order-refund_order FAILED";

#[test]
fn a_violation_is_a_test_of_its_own_and_the_process_fails() {
    check(
        "",
        101,
        &[
            "orders::explore ok",
            "orders::no_over_refund FAILED",
            VIOLATION,
            "orders::orders_have_ids ok",
            "users::explore ok",
            "users::few_users ok",
        ],
        &["orders", "users"],
    );
}

#[test]
fn a_filter_starts_no_other_suite() {
    check(
        "users",
        0,
        &["users::explore ok", "users::few_users ok"],
        &["users"],
    );
    check(
        "users::explore orders_have --skip few",
        0,
        &["orders::orders_have_ids ok", "users::explore ok"],
        &["orders", "users"],
    );
    check(
        "orders::explore --exact",
        0,
        &["orders::explore ok"],
        &["orders"],
    );
    check("explore --exact", 0, &[], &[]);
    check("nothing_of_this_name", 0, &[], &[]);
    check("orders::regressions", 0, &[], &[]);
    check(
        "--skip orders --skip explore",
        0,
        &["users::few_users ok"],
        &["users"],
    );
}

#[test]
fn a_violation_can_be_asked_for_before_it_has_been_found() {
    let name = VIOLATION.strip_suffix(" FAILED").unwrap();
    check(&format!("--exact {name}"), 101, &[VIOLATION], &["orders"]);
    check("create_order-refund_order", 101, &[VIOLATION], &["orders"]);
}

#[test]
fn the_path_of_a_function_is_an_alias_of_its_tests() {
    check(
        "no_over_refund --exact --nocapture",
        101,
        &["orders::no_over_refund FAILED", VIOLATION],
        &["orders"],
    );
    check(
        "users::rules::few_users --exact --show-output",
        0,
        &["users::few_users ok"],
        &["users"],
    );
    check(
        "users::users --exact",
        0,
        &["users::explore ok", "users::few_users ok"],
        &["users"],
    );
}

#[test]
fn flags_of_libtest_are_understood() {
    let ok = &["users::explore ok", "users::few_users ok"];
    for line in [
        "users --no-capture",
        "users --nocapture --test-threads=1",
        "--test-threads 2 users",
        "--shuffle --report-time -Z unstable-options users",
        "--include-ignored users",
        "--color never users",
    ] {
        check(line, 0, ok, &["users"]);
    }
    check("--ignored", 0, &[], &[]);
    check(
        "--bench users",
        0,
        &["users::explore ignored", "users::few_users ignored"],
        &[],
    );
}

#[test]
fn a_call_that_makes_no_sense_ends_with_2() {
    let fixture = Fixture::orders();
    for line in ["--no-such-flag", "--test-threads=0", "--test-threads=many"] {
        let run = fixture.run(line).ends_with(2);
        assert!(run.stderr.starts_with("error: "), "{}", run.stderr);
    }
    let fixture = fixture.with("RUST_TEST_THREADS", "0");
    let run = fixture.run("").ends_with(2);
    assert!(
        run.stderr.contains("RUST_TEST_THREADS is `0`"),
        "{}",
        run.stderr
    );
    assert!(fixture.worlds().is_empty());
}

#[test]
fn what_makes_no_suites_fails_at_once() {
    for line in ["", "--list"] {
        let run = Fixture::new("fixture_empty").run(line).ends_with(101);
        assert!(
            run.stderr.contains("add `use my_crate as _;`"),
            "{}",
            run.stderr
        );
        let run = Fixture::new("fixture_clashing").run(line).ends_with(101);
        assert!(
            run.stderr.contains(
                "two actions are named `buy`: tests/fixtures/clashing.rs:13 and tests/fixtures/clashing.rs:19"
            ),
            "{}",
            run.stderr
        );
    }
}
