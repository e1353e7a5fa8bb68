//! What needs the database servers that only these tests insist on.

use crate::blocks::{block, readme, shell, shows};

#[test]
fn the_script_of_all_tests_takes_cargos_arguments() {
    let command = block(&readme(), "text", "tests/run");
    let listed = format!("$ {} --quiet --test readme -- --list", command.trim());
    let run = shell(&listed).ends_with(0);
    assert!(
        run.stdout.contains("orders::explore: test"),
        "{}",
        run.stdout
    );
}

#[test]
fn the_suite_on_several_databases_prints_what_is_shown() {
    let shown = block(&readme(), "text", "$ SHOP_BUGS=ignored_key");
    let run = shell(&shown).ends_with(101);
    shows(&shown, &run.stdout);
}
