//! Sequences that are kept and executed again.

use std::fs;

use crate::fixture::Fixture;

/// Runs once, so that the violation is kept; returns the name of its test.
fn found(fixture: &Fixture) -> String {
    let run = fixture.run("orders").ends_with(101);
    assert!(run.stderr.contains("check it in"), "{}", run.stderr);
    let files = fixture.files("venomqa-regressions");
    let [file] = &*files else {
        panic!("{files:?}");
    };
    let stem = file.strip_prefix("orders/").unwrap().strip_suffix(".json");
    format!("orders::regressions::{}", stem.unwrap())
}

#[test]
fn a_violation_is_kept_and_only_its_sequence_is_executed_again() {
    let fixture = Fixture::orders();
    let test = found(&fixture);
    let list = fixture.run("--list").ends_with(0).stdout;
    assert!(list.contains(&format!("{test}: test\n")), "{list}");

    let again = fixture.run(&format!("--exact {test}")).ends_with(101);
    assert_eq!(again.results(), [format!("{test} FAILED")]);
    assert!(
        again
            .stdout
            .contains("no_over_refund is broken again: refunded 200 of 100"),
        "{}",
        again.stdout
    );
    assert!(
        !again.stderr.contains("states"),
        "it explored: {}",
        again.stderr
    );

    let fixed = fixture.with("FIXTURE", "fixed");
    fixed.run(&format!("--exact {test}")).ends_with(0);
    fixed.run("").ends_with(0);
    assert_eq!(fixed.files("venomqa-regressions").len(), 1);
}

#[test]
fn the_file_is_the_same_each_time() {
    let fixture = Fixture::orders();
    found(&fixture);
    let path = fixture.path(&format!(
        "venomqa-regressions/{}",
        fixture.files("venomqa-regressions")[0]
    ));
    let text = fs::read_to_string(&path).unwrap();
    insta::assert_snapshot!(text);
    fs::write(&path, text.replace("refunded 200", "edited 200")).unwrap();
    fixture.run("orders").ends_with(101);
    assert!(fs::read_to_string(&path).unwrap().contains("edited 200"));
    let always = fixture.with("VENOMQA_UPDATE", "always");
    always.run("orders").ends_with(101);
    assert_eq!(fs::read_to_string(&path).unwrap(), text);
}

#[test]
fn continuous_integration_leaves_the_checkout_alone() {
    let fixture = Fixture::orders().with("CI", "true");
    let run = fixture.run("orders").ends_with(101);
    assert!(fixture.files("venomqa-regressions").is_empty());
    let files = fixture.files("target/venomqa/regressions");
    let [file] = &*files else {
        panic!("{files:?}");
    };
    let told = format!(
        "orders: regression written to target/venomqa/regressions/{file}; check it in as venomqa-regressions/{file}\n"
    );
    assert!(run.stderr.contains(&told), "{}", run.stderr);

    let asked = Fixture::orders()
        .with("CI", "true")
        .with("VENOMQA_UPDATE", "always");
    found(&asked);
    let no = Fixture::orders().with("VENOMQA_UPDATE", "no");
    no.run("orders").ends_with(101);
    assert!(no.files("venomqa-regressions").is_empty());
}

/// Runs with this file among the regressions; its test must fail and say so.
fn check(contents: &str, said: &str) {
    let fixture = Fixture::orders().with("FIXTURE", "fixed");
    let folder = fixture.path("venomqa-regressions/orders");
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("no_over_refund-00000000.json"), contents).unwrap();
    let run = fixture.run("orders::regressions").ends_with(101);
    assert_eq!(
        run.results(),
        ["orders::regressions::no_over_refund-00000000 FAILED"]
    );
    assert!(run.stdout.contains(said), "{}", run.stdout);
    let file = "venomqa-regressions/orders/no_over_refund-00000000.json";
    assert!(run.stdout.contains(file), "{}", run.stdout);
    assert!(!run.stdout.contains('\x1b'), "{}", run.stdout);
}

fn regression(rule: &str, actions: &str) -> String {
    format!(
        r#"{{"schema": 1, "rule": "{rule}", "severity": "high", "built_in": false, "message": "", "sequence": [{actions}]}}"#
    )
}

#[test]
fn a_file_that_cannot_be_executed_says_what_to_do() {
    check("{", "delete it");
    check("\u{1b}[2J\u{0}", "delete it");
    check(r#"{"schema": 2}"#, "update VenomQA");
    check(
        &regression("no_over_refund", r#"{"action": "cancel\u001b[2J"}"#),
        "is gone; delete venomqa-regressions/orders/no_over_refund-00000000.json",
    );
    check(
        &regression("no_such_rule", r#"{"action": "create_order[amount=0]"}"#),
        "the rule `no_such_rule` is gone",
    );
    check(
        &regression("no_over_refund", r#"{"action": "refund_order"}"#),
        "proves nothing",
    );
}

#[test]
fn a_late_refusal_is_mended_by_declining_at_once() {
    let fixture = Fixture::orders().with("FIXTURE", "fixed");
    let folder = fixture.path("venomqa-regressions/orders");
    fs::create_dir_all(&folder).unwrap();
    let contents = regression("no_late_refusal", r#"{"action": "refund_order"}"#);
    let contents = contents.replace(r#""built_in": false"#, r#""built_in": true"#);
    fs::write(folder.join("no_late_refusal-00000000.json"), contents).unwrap();
    fixture.run("orders::regressions").ends_with(0);
}

#[test]
fn a_rule_that_is_broken_from_the_start_leaves_no_file() {
    let fixture = Fixture::orders().with("FIXTURE", "wrong");
    let run = fixture.run("orders").ends_with(101);
    let broken = "test orders::orders_have_ids::initial_state ... FAILED";
    assert!(
        run.stdout.replace("  ", "").contains(broken),
        "{}",
        run.stdout
    );
    assert_eq!(fixture.files("venomqa-regressions"), [""; 0]);
}
