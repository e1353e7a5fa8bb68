//! `venomqa demo` as a user runs it: the program, in a process of its own.

#![cfg(unix)]

mod direct;

use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;
use venomqa::demo::Tour;
use venomqa::demo::orders::Bug;

/// The program, with its temporary files in this folder.
fn venomqa(temporary: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_venomqa"));
    command
        .env("TMPDIR", temporary)
        .env_remove("CLICOLOR_FORCE")
        // What a user's shell may have set is nothing to the demo's server.
        .env("ORDERS_MAX", "1")
        .env("ORDERS_BUGS", "crash");
    command
}

fn demo(arguments: &[&str]) -> Output {
    let temporary = TempDir::new().unwrap();
    let mut command = venomqa(temporary.path());
    let output = command.arg("demo").args(arguments).output().unwrap();
    check_nothing_left(temporary.path());
    output
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

/// Neither a file in the folder nor a process that was told of it.
#[track_caller]
fn check_nothing_left(temporary: &Path) {
    let files: Vec<_> = std::fs::read_dir(temporary).unwrap().collect();
    assert!(files.is_empty(), "{files:?}");
    assert_eq!(servers(temporary), 0);
}

/// How many processes have a database in this folder.
fn servers(folder: &Path) -> usize {
    let variable = format!("DATABASE_PATH={}", folder.display());
    let processes = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    processes
        .filter_map(|process| std::fs::read(process.path().join("environ")).ok())
        .filter(|environment| {
            let mut variables = environment.split(|byte| *byte == 0);
            variables.any(|own| own.starts_with(variable.as_bytes()))
        })
        .count()
}

/// Runs the demo with this bug, and requires that it found just this and covered so many states.
fn check(bug: &str, sequence: &str, rule: &str, states: u32) {
    let output = demo(&["--bug", bug]);
    let shown = text(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{bug}: {shown}");
    assert_eq!(text(&output.stderr), "", "{bug}");
    let found: Vec<_> = shown
        .lines()
        .filter_map(|line| line.strip_prefix("FOUND: "))
        .collect();
    assert_eq!(found, [sequence], "{bug}");
    let broken: Vec<_> = shown
        .lines()
        .filter_map(|line| line.split_once(" is broken: ").map(|(rule, _)| rule))
        .collect();
    assert_eq!(broken, [rule], "{bug}");
    assert_eq!(shown.matches("passed: ").count(), 3, "{bug}: {shown}");
    assert!(shown.contains(&format!("  {states} states, ")), "{shown}");
}

#[test]
fn each_bug_is_found_with_its_shortest_sequence_and_nothing_else() {
    check(
        "double_refund",
        "create_order -> refund_order -> refund_order",
        "critical: no_over_refund",
        53,
    );
    check(
        "stale_state",
        "create_order -> cancel_order",
        "high: balance_adds_up",
        22,
    );
    check(
        "idempotency",
        "create_order -> retry_create_order",
        "critical: paid_once",
        79,
    );
}

#[test]
fn what_is_shown_is_what_exploring_the_same_server_gives() {
    for bug in ["none", "double_refund"] {
        let output = demo(&["--bug", bug]);
        let shown = text(&output.stdout);
        let (states, transitions) = direct::explore(bug);
        let figures = format!("  {states} states, {transitions} transitions, ");
        assert!(shown.contains(&figures), "{bug}: not {figures}: {shown}");
    }
}

#[test]
fn the_whole_text() {
    let check = |name: &str, arguments: &[&str]| {
        let output = demo(arguments);
        assert_eq!(output.status.code(), Some(0));
        let shown = text(&output.stdout);
        for line in shown.lines() {
            assert!(line.chars().count() <= 80, "{line}");
        }
        insta::assert_snapshot!(name, without_time(shown));
    };
    check("double_refund", &[]);
    check("none", &["--bug", "none"]);
}

/// The text, with the one time in it replaced.
fn without_time(shown: &str) -> String {
    let (before, after) = shown.split_once(" of a rule, in ").expect("a time");
    let (time, after) = after.split_once(" s\n").expect("seconds");
    assert!(time.parse::<f64>().unwrap() > 0.0, "{time}");
    format!("{before} of a rule, in [time] s\n{after}")
}

/// A tour whose server has this setting instead of the bug that it is told.
fn misled(setting: &str) -> (bool, String) {
    let mut server = Command::new("env");
    server.args([setting, env!("CARGO_BIN_EXE_venomqa"), "serve-orders"]);
    let mut out = Vec::new();
    let tour = Tour::new(Some(Bug::DoubleRefund), server);
    let as_promised = direct::block_on(tour.run(&mut out)).unwrap();
    (as_promised, String::from_utf8(out).unwrap())
}

#[test]
fn what_is_not_found_is_not_claimed() {
    let (as_promised, shown) = misled("ORDERS_BUGS=none");
    assert!(!as_promised);
    assert!(!shown.contains("FOUND: ") && shown.contains("  40 states, "));
    assert!(shown.contains("no_over_refund was to be broken, and there are 0 violations"));
}

#[test]
fn what_else_is_found_is_told() {
    let (as_promised, shown) = misled("ORDERS_BUGS=double_refund,idempotency");
    assert!(!as_promised);
    assert!(shown.contains("FOUND: create_order -> refund_order -> refund_order"));
    assert!(shown.contains("FOUND: create_order -> retry_create_order"));
    assert!(shown.contains("no_over_refund was to be broken, and there are 2 violations"));
}

#[test]
fn the_tests_of_single_calls_can_fail() {
    let (as_promised, shown) = misled("ORDERS_MAX=0");
    assert!(!as_promised);
    assert_eq!(shown.matches("FAILED: ").count(), 3, "{shown}");
    assert!(shown.contains("answered 409, not 201"), "{shown}");
    assert!(!shown.contains("FOUND"), "{shown}");
}

#[test]
fn colours_are_for_terminals_and_those_who_ask() {
    let temporary = TempDir::new().unwrap();
    let mut command = venomqa(temporary.path());
    let coloured = command.arg("demo").env("CLICOLOR_FORCE", "1").output();
    let coloured = coloured.unwrap().stdout;
    assert!(text(&coloured).contains("\x1b["));
    assert!(!text(&demo(&[]).stdout).contains('\x1b'));
}

#[test]
fn a_bug_that_does_not_exist_is_answered_with_those_that_do() {
    let output = demo(&["--bug", "nonsense"]);
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(text(&output.stdout), "");
    let said = text(&output.stderr);
    for name in [
        "nonsense",
        "double_refund",
        "stale_state",
        "idempotency",
        "none",
    ] {
        assert!(said.contains(name), "{said}");
    }
}

#[test]
fn without_a_place_for_its_files_it_says_what_to_do() {
    let temporary = TempDir::new().unwrap();
    let mut command = venomqa(&temporary.path().join("missing"));
    let output = command.arg("demo").output().unwrap();
    assert_eq!(output.status.code(), Some(3));
    let said = text(&output.stderr);
    assert!(
        said.starts_with("error: cannot make a temporary folder"),
        "{said}"
    );
    assert!(said.contains("TMPDIR"), "{said}");
}

#[test]
fn when_nobody_reads_it_ends_quietly() {
    let temporary = TempDir::new().unwrap();
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let mut command = venomqa(temporary.path());
    let output = command.arg("demo").stdout(writer).output().unwrap();
    assert_eq!(output.status.code(), Some(3));
    assert_eq!(text(&output.stderr), "");
    check_nothing_left(temporary.path());
}

#[cfg(target_os = "linux")]
#[test]
fn interrupted_it_leaves_neither_server_nor_files() {
    let temporary = TempDir::new().unwrap();
    let mut command = venomqa(temporary.path());
    let mut child = command.arg("demo").stdout(Stdio::null()).spawn().unwrap();
    let deadline = Instant::now() + Duration::from_secs(20);
    while servers(temporary.path()) == 0 {
        assert!(
            Instant::now() < deadline,
            "no server of the demo to be seen"
        );
        assert!(child.try_wait().unwrap().is_none(), "the demo ended");
    }
    interrupt(&child);
    assert_eq!(child.wait().unwrap().code(), Some(130));
    check_nothing_left(temporary.path());
}

#[cfg(target_os = "linux")]
fn interrupt(child: &Child) {
    let id = child.id().to_string();
    let sent = Command::new("kill").args(["-INT", &id]).status().unwrap();
    assert!(sent.success());
}
