use venomqa::demo::orders::Bug;

use crate::suite::{Expected, Suite};

const SEQUENCES: Suite = Suite {
    target: "sequences",
    name: "shop",
    rules: &[
        "balance_is_the_sum",
        "deleted_is_gone",
        "list_and_order_agree",
        "no_over_refund",
        "one_order_per_reference",
        "orders_are_private",
        "paid_once",
        "shipped_is_paid",
    ],
    depth: 4,
    variable: "ORDERS_BUGS",
    build: "",
    environment: |_, folder| {
        let file = folder.join("orders.db");
        vec![("ORDERS_DB", file.display().to_string())]
    },
};

const IN_PROCESS: Suite = Suite {
    target: "sequences_in_process",
    ..SEQUENCES
};

const ALL_THERE_IS: &str = "217 states, 1044 transitions, depth 4";

/// The table in `venomqa::demo::orders`, in the words of the suite.
fn expected(bug: Bug) -> Expected {
    match bug {
        Bug::DoubleRefund => ("no_over_refund", "create_order-refund_order-refund_order"),
        Bug::RefundAfterCancel => ("no_over_refund", "create_order-cancel_order-refund_order"),
        Bug::CancelAfterRefund => ("no_over_refund", "create_order-refund_order-cancel_order"),
        Bug::ShipUnpaid => ("shipped_is_paid", "create_order-cancel_order-ship_order"),
        Bug::Idempotency => ("paid_once", "create_order-create_order"),
        Bug::DuplicateCreate => ("one_order_per_reference", "create_order-create_order"),
        Bug::GhostAfterDelete => ("deleted_is_gone", "create_order-delete_order"),
        Bug::ForeignOrderReadable => ("orders_are_private", "create_order-read_as_bob"),
        Bug::StaleState => ("balance_is_the_sum", "create_order-cancel_order"),
        Bug::ListDisagrees => ("list_and_order_agree", "create_order-cancel_order"),
        Bug::Crash => ("no_crash", "create_order-delete_order"),
        _ => panic!("{bug:?} is not expected"),
    }
}

#[test]
fn each_bug_is_found_with_its_shortest_sequence_and_nothing_else_is() {
    SEQUENCES.finds(&Bug::ALL.map(|bug| (bug.name(), expected(bug))));
}

#[test]
fn without_a_bug_all_rules_hold_and_every_run_explores_the_same() {
    SEQUENCES.holds(&["", "none"], ALL_THERE_IS);
}

#[test]
fn in_process_the_same_is_explored_and_found() {
    IN_PROCESS.holds(&[""], ALL_THERE_IS);
    let bugs = [Bug::DoubleRefund, Bug::Idempotency, Bug::ListDisagrees];
    IN_PROCESS.finds(&bugs.map(|bug| (bug.name(), expected(bug))));
}

#[test]
fn a_panic_in_process_is_an_error_with_the_sequence_that_led_there() {
    let [run] = <[_; 1]>::try_from(IN_PROCESS.runs(&[Bug::Crash.name()])).unwrap();
    let run = run.ends_with(101);
    assert!(run.results().contains(&"shop::explore FAILED".to_owned()));
    for told in [
        "DELETE http://localhost/orders/1: no answer from the API: attempt to divide by zero (panicked at ",
        "create_order[how=\"paid\"] -> delete_order",
    ] {
        assert!(run.stdout.contains(told), "{told}: {}", run.stdout);
    }
}
