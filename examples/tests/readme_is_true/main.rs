//! What the README shows is what happens.

mod blocks;
#[cfg(feature = "live")]
mod live;
mod package;

use std::fs;

use blocks::{block, readme, root, shell, shows};
use venomqa_tests::{Run, undisturbed};

#[test]
fn the_code_is_a_test_target_of_this_package() {
    let target = fs::read_to_string(root().join("examples/tests/readme.rs")).unwrap();
    assert_eq!(block(&readme(), "rust", "//! Every sequence"), target);
}

#[test]
fn the_demo_prints_what_is_shown() {
    let readme = readme();
    let shown = block(&readme, "text", "$ cargo venomqa demo");
    let run = shell(&shown).ends_with(0);
    shows(&shown, &run.stdout);
}

#[test]
fn the_suite_with_the_bug_prints_what_is_shown_and_a_command_that_shows_it_again() {
    let readme = readme();
    let shown = block(&readme, "text", "$ ORDERS_BUGS=double_refund");
    let run = shell(&shown).ends_with(101);
    shows(&shown, &run.stdout);

    let replay = run
        .stdout
        .lines()
        .find_map(|line| line.split_once("replay: "));
    let (_, replay) = replay.expect("the command that executes the sequence again");
    let run = shell(&format!("$ ORDERS_BUGS=double_refund {replay}")).ends_with(101);
    assert_eq!(run.results(), ["orders::explore FAILED"]);
    for said in [
        "POST /orders/1/refund -> 200",
        "no_over_refund is broken: order 1: refunded 200 of 100",
    ] {
        assert!(run.stderr.contains(said), "{said}: {}", run.stderr);
    }
    shell(&format!("$ {replay}")).ends_with(0);
}

#[test]
fn without_the_bug_the_same_tests_pass() {
    let run = shell("$ cargo test --test readme").ends_with(0);
    let results = ["orders::explore ok", "orders::no_over_refund ok"];
    assert_eq!(run.results(), results);
}

#[test]
fn links_lead_to_files() {
    for name in [
        "README.md",
        "ARCHITECTURE.md",
        "CONTRIBUTING.md",
        "CHANGELOG.md",
    ] {
        let text = fs::read_to_string(root().join(name)).unwrap();
        for link in blocks::links(&text) {
            let path = link.split('#').next().unwrap();
            assert!(root().join(path).exists(), "{name}: {link}");
        }
    }
}

#[test]
fn features_and_the_version_of_rust_are_those_of_the_manifests() {
    let manifest = |path| fs::read_to_string(root().join(path)).unwrap();
    let (library, workspace) = (manifest("venomqa/Cargo.toml"), manifest("Cargo.toml"));
    let readme = readme();
    let (_, table) = readme.split_once("| feature | gives | costs |\n").unwrap();
    let rows = table
        .lines()
        .skip(1)
        .take_while(|line| line.starts_with('|'));
    let features: Vec<_> = rows
        .filter_map(|row| row.strip_prefix("| `")?.split('`').next())
        .collect();
    assert!(features.contains(&"sqlite"), "{features:?}");
    for feature in features {
        let declared = format!("\n{feature} = [");
        assert!(library.contains(&declared), "no feature {feature}");
    }
    let (_, version) = workspace.split_once("rust-version = \"").unwrap();
    let version = version.split('"').next().unwrap();
    let said = format!("Rust {version} or later");
    assert!(readme.contains(&said), "not said: {said}");
}

/// About twenty lines of code, those counted that do not only continue or close another.
#[test]
fn the_landing_page_program_is_short_and_finds_the_bug() {
    let source = fs::read_to_string(root().join("examples/src/bin/landing.rs")).unwrap();
    let counts = |line: &&str| {
        let line = line.trim();
        !line.is_empty() && !line.starts_with(['.', ')', ']', '}']) && !line.starts_with("//")
    };
    let lines: Vec<_> = source.lines().filter(counts).collect();
    let lines = lines.iter().filter(|line| !line.starts_with("use "));
    assert_eq!(lines.count(), 22, "{source}");

    let landing = undisturbed(env!("CARGO_BIN_EXE_landing"))
        .arg(env!("CARGO_BIN_EXE_orders"))
        .spawn();
    let run = Run::of(landing.unwrap()).ends_with(0);
    let found = "\n  critical no_over_refund: refunded 200 of 100\n    create_order -> refund_order -> refund_order\n";
    assert!(run.stdout.contains(found), "{}", run.stdout);
    assert!(run.stdout.contains(", 1 violation in "), "{}", run.stdout);
}
