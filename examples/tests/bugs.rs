//! The suite `sequences`, run as users run it, finds each bug that the orders server can have, and nothing else.

use std::path::PathBuf;
use std::sync::{LazyLock, Mutex, PoisonError};
use std::thread::ScopedJoinHandle;

use venomqa::demo::orders::Bug;
use venomqa_tests::{Run, built, undisturbed};

/// What breaks with the bug, and the shortest sequence of calls that shows it: the table in `venomqa::demo::orders`, in the words of
/// the suite.
#[rustfmt::skip]
const EXPECTED: [(Bug, &str, &str); 11] = [
    (Bug::DoubleRefund,         "no_over_refund",          "create_order-refund_order-refund_order"),
    (Bug::RefundAfterCancel,    "no_over_refund",          "create_order-cancel_order-refund_order"),
    (Bug::CancelAfterRefund,    "no_over_refund",          "create_order-refund_order-cancel_order"),
    (Bug::ShipUnpaid,           "shipped_is_paid",         "create_order-cancel_order-ship_order"),
    (Bug::Idempotency,          "paid_once",               "create_order-create_order"),
    (Bug::DuplicateCreate,      "one_order_per_reference", "create_order-create_order"),
    (Bug::GhostAfterDelete,     "deleted_is_gone",         "create_order-delete_order"),
    (Bug::ForeignOrderReadable, "orders_are_private",      "create_order-read_as_bob"),
    (Bug::StaleState,           "balance_is_the_sum",      "create_order-cancel_order"),
    (Bug::ListDisagrees,        "list_and_order_agree",    "create_order-cancel_order"),
    (Bug::Crash,                "no_crash",                "create_order-delete_order"),
];

/// The rules of the suite, each a test of its own.
const RULES: [&str; 8] = [
    "balance_is_the_sum",
    "deleted_is_gone",
    "list_and_order_agree",
    "no_over_refund",
    "one_order_per_reference",
    "orders_are_private",
    "paid_once",
    "shipped_is_paid",
];

#[test]
fn each_bug_is_found_with_its_shortest_sequence_and_nothing_else_is() {
    let bugs = Bug::ALL.map(Bug::name);
    for (bug, run) in bugs.iter().zip(runs(&bugs)) {
        let run = run.ends_with(101);
        let mut expected = EXPECTED.iter().filter(|(of, ..)| of.name() == *bug);
        let (_, rule, sequence) = expected.next().expect("a bug that the table lacks");

        let violation = format!("shop::{rule}::{sequence}");
        // A rule of VenomQA's own, which a crash breaks, counts under `explore`.
        let broken = if RULES.contains(rule) {
            rule
        } else {
            "explore"
        };
        let mut results: Vec<_> = tests()
            .map(|test| match test.ends_with(broken) {
                true => format!("{test} FAILED"),
                false => format!("{test} ok"),
            })
            .chain([format!("{violation} FAILED")])
            .collect();
        results.sort();
        assert_eq!(run.results(), results, "{bug}: {}", run.stdout);

        let (explored, ended) = explored(&run);
        assert!(explored.ends_with(", 1 violation"), "{bug}: {explored}");
        assert_eq!(ended, "complete to depth 4", "{bug}");
        let details = format!("\n---- {violation} ----\n");
        let (_, told) = run.stdout.split_once(&details).expect("its details");
        let confirmed = "\n  confirmed: broken again from a clean start; ";
        assert!(told.contains(confirmed), "{bug}: {told}");
    }
}

#[test]
fn without_a_bug_all_rules_hold_and_every_run_explores_the_same() {
    for run in runs(&["", "none"]) {
        let run = run.ends_with(0);
        let results: Vec<_> = tests().map(|test| format!("{test} ok")).collect();
        assert_eq!(run.results(), results, "{}", run.stdout);
        let expected = (
            "shop: 217 states, 1044 transitions, depth 4, 0 violations",
            "complete to depth 4",
        );
        assert_eq!(explored(&run), expected);
    }
}

/// The tests that the suite always has, in the order in which they are reported.
fn tests() -> impl Iterator<Item = String> {
    let mut names: Vec<_> = RULES.into_iter().chain(["explore"]).collect();
    names.sort();
    names.into_iter().map(|name| format!("shop::{name}"))
}

/// What was explored and why it ended, without the time that it took.
fn explored(run: &Run) -> (&str, &str) {
    let summary = |line: &&str| line.contains(" transitions, depth ");
    let line = run.stderr.lines().find(summary);
    let (explored, rest) = line.and_then(|line| line.split_once(" in ")).unwrap();
    (explored, rest.split_once(": ").unwrap().1)
}

/// Runs the suite with each of these bugs, two processes at a time.
fn runs(bugs: &[&str]) -> Vec<Run> {
    static MACHINE: Mutex<()> = Mutex::new(());
    let _alone = MACHINE.lock().unwrap_or_else(PoisonError::into_inner);
    let waiting = Mutex::new(bugs.iter().enumerate());
    let next = || waiting.lock().unwrap().next();
    let work = || {
        std::iter::from_fn(next)
            .map(|(n, bug)| (n, run(bug)))
            .collect()
    };
    let mut runs: Vec<_> = std::thread::scope(|scope| {
        let workers: [ScopedJoinHandle<'_, Vec<_>>; 2] = [(); 2].map(|()| scope.spawn(work));
        workers
            .into_iter()
            .flat_map(|worker| worker.join().unwrap())
            .collect()
    });
    runs.sort_by_key(|(n, _)| *n);
    runs.into_iter().map(|(_, run)| run).collect()
}

/// The suite, in a process of its own, with a database and a folder for scratch files of its own.
fn run(bug: &str) -> Run {
    static SEQUENCES: LazyLock<PathBuf> =
        LazyLock::new(|| built("test --no-run --test sequences")["sequences"].clone());
    let folder = tempfile::tempdir().unwrap();
    let child = undisturbed(&*SEQUENCES)
        .env("ORDERS_BUGS", bug)
        .env("ORDERS_DB", folder.path().join("orders.db"))
        .env("CARGO_TARGET_DIR", folder.path())
        .env("VENOMQA_UPDATE", "no")
        // A busy machine finds the same.
        .env("VENOMQA_BUDGET", "10m")
        .spawn()
        .unwrap();
    Run::of(child)
}
