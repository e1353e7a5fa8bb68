//! What a person reads.

use crate::fixture::Fixture;

/// With times taken out.
macro_rules! snapshot {
    ($text:expr) => {
        insta::with_settings!({filters => vec![
            (r"in \d+(\.\d+)?(ns|µs|ms|s)\b", "in [time]"),
            (r"\(\d+s\)", "([time])"),
        ]}, { insta::assert_snapshot!($text) })
    };
}

#[test]
fn a_run_with_a_violation() {
    let run = Fixture::orders().run("").ends_with(101);
    snapshot!(format!("{}\n===== stderr\n{}", run.stdout, run.stderr));
}

#[test]
fn a_rule_tells_in_full_what_no_other_test_tells() {
    let run = Fixture::orders()
        .run("orders::no_over_refund --exact --skip no_over_refund::x")
        .ends_with(101);
    assert!(
        run.stdout.contains("replay: VENOMQA_REPLAY="),
        "{}",
        run.stdout
    );
    assert_eq!(run.stdout.matches("replay: ").count(), 1);
}

#[test]
fn what_an_api_says_cannot_command_the_terminal_or_forge_a_line() {
    let fixture = Fixture::orders()
        .with("FIXTURE", "hostile")
        .with("GITHUB_ACTIONS", "true");
    let run = fixture.run("orders").ends_with(101);
    for text in [&run.stdout, &run.stderr] {
        let bad = |c: char| c.is_control() && c != '\n' || c == '\u{202e}';
        assert!(!text.contains(bad), "{text:?}");
        for line in text.lines() {
            assert!(!line.starts_with("Error: "), "{text}");
            assert!(
                !line.trim_start().starts_with("::error::forged"),
                "GitHub reads commands after white space too: {text}"
            );
            assert!(line.len() < 2000, "{line}");
        }
    }
}

#[test]
fn a_world_that_cannot_be_made_fails_every_test_of_its_suite() {
    let run = Fixture::orders()
        .with("FIXTURE", "panics")
        .run("")
        .ends_with(101);
    snapshot!(run.stdout);
    assert_eq!(run.stdout.matches("third line").count(), 1);
    let run = Fixture::orders()
        .with("FIXTURE", "fails")
        .run("orders")
        .ends_with(101);
    assert_eq!(
        run.stdout.matches("no database today").count(),
        3,
        "{}",
        run.stdout
    );
    assert_eq!(
        run.stdout.matches("second line").count(),
        1,
        "{}",
        run.stdout
    );
}

#[test]
fn a_rule_that_was_not_checked_fails() {
    let run = Fixture::orders()
        .with("FIXTURE", "unchecked,fixed")
        .run("orders")
        .ends_with(101);
    assert_eq!(
        run.results(),
        [
            "orders::explore FAILED",
            "orders::no_over_refund ok",
            "orders::orders_have_ids FAILED"
        ]
    );
    assert!(
        run.stdout
            .contains("not checked: the rule could not be evaluated"),
        "{}",
        run.stdout
    );
    let filtered = Fixture::orders()
        .with("FIXTURE", "unchecked,fixed")
        .run("orders::no_over_refund")
        .ends_with(0);
    assert!(
        filtered.stderr.contains(
            "orders: note: the test `explore`, which the filter leaves out, fails: rule `orders_have_ids` could not be"
        ),
        "{}",
        filtered.stderr
    );
}

#[test]
fn a_forgotten_harness_false_is_a_failure_that_says_what_to_write() {
    let run = Fixture::new("fixture_libtest").run("").ends_with(101);
    let told = "write `harness = false` below `[[test]]` `name = \"fixture_libtest\"`";
    assert!(run.stdout.contains(told), "{}", run.stdout);
}
