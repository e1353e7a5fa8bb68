//! A package of a user's, made as the README says.

use std::fs;
use std::path::{Path, PathBuf};

use tempfile::TempDir;
use venomqa_tests::{Run, undisturbed};

use crate::blocks::{block, in_cargos_way, readme, root};

struct Package(TempDir);

impl Package {
    /// A new package with what the README shows in it, except that VenomQA comes from this workspace and that the server is the one
    /// of this package.
    fn new() -> Self {
        let readme = readme();
        let needs = block(&readme, "toml", "[dev-dependencies]");
        let here = format!("path = {:?}", root().join("venomqa"));
        let needs = once(&needs, r#"version = "0.1""#, &here);
        let suite = block(&readme, "rust", "//! Every sequence");
        let server = format!("{:?}", env!("CARGO_BIN_EXE_orders"));
        let suite = once(&suite, r#"env!("CARGO_BIN_EXE_orders")"#, &server);

        let package = Self(tempfile::tempdir().unwrap());
        let about = "[package]\nname = \"shop\"\nversion = \"0.1.0\"\nedition = \"2024\"\n\n";
        package.write("Cargo.toml", &format!("{about}{needs}"));
        package.write("src/lib.rs", "");
        package.write("tests/sequences.rs", &suite);
        // What is downloaded already is what this workspace uses.
        fs::copy(root().join("Cargo.lock"), package.path("Cargo.lock")).unwrap();
        package
    }

    fn path(&self, below: &str) -> PathBuf {
        self.0.path().join(below)
    }

    fn write(&self, below: &str, contents: &str) {
        let path = self.path(below);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, contents).unwrap();
    }

    fn cargo(&self, line: &str, bug: &str) -> Run {
        let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap();
        let mut cargo = undisturbed(env!("CARGO"));
        let child = in_cargos_way(&mut cargo)
            .args(line.split_whitespace())
            .env("CARGO_TARGET_DIR", target)
            .env("ORDERS_BUGS", bug)
            .current_dir(self.0.path())
            .spawn();
        Run::of(child.unwrap())
    }

    /// The files of sequences that were found, by their paths.
    fn regressions(&self) -> Vec<String> {
        let folder = "venomqa-regressions/orders";
        let files = fs::read_dir(self.path(folder)).into_iter().flatten();
        files
            .map(|file| format!("{folder}/{}", file.unwrap().file_name().display()))
            .collect()
    }
}

#[test]
fn a_package_made_as_it_says_finds_the_bug_keeps_the_sequence_and_runs_it_from_then_on() {
    let package = Package::new();
    let needs = package.cargo("metadata --format-version 1 --offline --no-deps", "");
    let needs: serde_json::Value = serde_json::from_str(&needs.ends_with(0).stdout).unwrap();
    let needs = needs["packages"][0]["dependencies"].as_array().unwrap();
    let needs: Vec<_> = needs.iter().map(|need| &need["name"]).collect();
    assert_eq!(needs, ["serde", "venomqa"]);

    let test = "test --offline --test sequences";
    let rules = ["orders::explore", "orders::no_over_refund"];
    check(&package.cargo(test, "").ends_with(0), &rules, &[]);
    assert_eq!(package.regressions(), [""; 0]);

    let found = package.cargo(test, "double_refund").ends_with(101);
    let violation = "orders::no_over_refund::create_order-refund_order-refund_order";
    check(&found, &rules[..1], &[rules[1], violation]);
    let [file] = &*package.regressions() else {
        panic!("{:?}", package.regressions());
    };
    let told = format!("\norders: regression written to {file}; check it in\n");
    assert!(found.stderr.contains(&told), "{}", found.stderr);

    let name = Path::new(file).file_stem().unwrap().to_str().unwrap();
    let regression = &*format!("orders::regressions::{name}");
    let only = format!("{test} -- regressions");
    let again = package.cargo(&only, "double_refund").ends_with(101);
    check(&again, &[], &[regression]);
    let broken = "no_over_refund is broken again: order 1: refunded 200 of 100";
    assert!(again.stdout.contains(broken), "{}", again.stdout);
    let mended = package.cargo(test, "").ends_with(0);
    check(&mended, &[rules[0], rules[1], regression], &[]);
}

/// Checks which tests passed and which failed.
#[track_caller]
fn check(run: &Run, passed: &[&str], failed: &[&str]) {
    let of = |tests: &[&str], result: &str| -> Vec<String> {
        tests
            .iter()
            .map(|test| format!("{test} {result}"))
            .collect()
    };
    let mut expected = [of(passed, "ok"), of(failed, "FAILED")].concat();
    expected.sort();
    assert_eq!(run.results(), expected, "{}\n{}", run.stdout, run.stderr);
}

/// The text with what occurs once in it replaced.
#[track_caller]
fn once(text: &str, what: &str, by: &str) -> String {
    assert_eq!(text.matches(what).count(), 1, "{what} in {text}");
    text.replace(what, by)
}
