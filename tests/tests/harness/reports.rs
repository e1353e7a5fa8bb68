//! What continuous integration is told.

use crate::fixture::Fixture;

#[test]
fn github_shows_the_rule_in_the_source_and_a_table() {
    let fixture = Fixture::orders();
    let summary = fixture.path("summary.md");
    std::fs::write(&summary, "before\n").unwrap();
    let fixture = fixture
        .with("GITHUB_ACTIONS", "true")
        .with("GITHUB_STEP_SUMMARY", summary.to_str().unwrap());
    let run = fixture.run("").ends_with(101);
    let commands: Vec<_> = run.stderr.lines().filter(|l| l.starts_with("::")).collect();
    let [command] = &*commands else {
        panic!("{}", run.stderr);
    };
    assert!(
        command.starts_with("::error file=tests/fixtures/orders.rs,line="),
        "{command}"
    );
    assert!(
        command.ends_with(
            "title=orders%3A critical no_over_refund is broken::refunded 200 of 100%0A\
             create_order[amount=100] -> refund_order -> refund_order"
        ),
        "{command}"
    );
    let table = std::fs::read_to_string(summary).unwrap();
    assert!(table.starts_with("before\n"), "{table}");
    assert!(table.contains("| orders | failed | "), "{table}");
    assert!(table.contains("| users | passed | "), "{table}");
}

#[test]
fn nothing_is_said_to_github_elsewhere() {
    let run = Fixture::orders().run("").ends_with(101);
    assert!(!run.stderr.contains("::error"), "{}", run.stderr);
}
