//! The system in memory, as an action or rule uses it.

use std::pin::pin;
use std::task::{Context, Poll, Waker};

use venomqa_adapters::{MockSystem, RowChange, System};

/// The mock never waits, so its futures are ready at once.
fn now<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => panic!("the mock waits for nothing"),
    }
}

fn orders() -> MockSystem {
    MockSystem::new()
        .with_table("orders", &["id", "status", "paid"], &["id"])
        .with_table("log", &["line"], &[])
        .with_row("orders", (1, "new", 0))
}

fn told(changes: Vec<RowChange>) -> Vec<String> {
    changes.iter().map(ToString::to_string).collect()
}

#[test]
fn changes_are_net_and_named() {
    let db = orders();
    let mut rows = Vec::new();
    let root =
        now(db.begin(&mut |table, row| rows.push((table.name.clone(), row.clone())))).unwrap();
    assert_eq!(rows.len(), 1);
    assert_eq!(root.tables.len(), 2);

    db.insert("orders", (2, "new", 0)).unwrap();
    db.delete("orders", 2).unwrap();
    db.update(
        "orders",
        1,
        [("status", "paid".into()), ("paid", 100.into())],
    )
    .unwrap();
    db.insert("log", ["paid"]).unwrap();
    let expected = [
        "orders#1: status new -> paid, paid 0 -> 100",
        "log added: line paid",
    ];
    assert_eq!(told(now(db.changes()).unwrap()), expected);
    assert_eq!(told(now(db.changes()).unwrap()), expected);
}

#[test]
fn restoring_tells_only_what_nobody_was_told() {
    let db = orders();
    let root = now(db.begin(&mut |_, _| {})).unwrap().checkpoint;
    db.insert("orders", (2, "new", 0)).unwrap();
    now(db.changes()).unwrap();
    db.insert("orders", (3, "new", 0)).unwrap();
    let untold = now(db.restore(root)).unwrap();
    assert_eq!(told(untold), ["orders#3 added: status new, paid 0"]);
    assert_eq!(db.count("orders").unwrap(), 1);
}

#[test]
fn a_branch_can_be_left_and_taken_up_again() {
    let db = orders();
    let root = now(db.begin(&mut |_, _| {})).unwrap().checkpoint;
    db.delete("orders", 1).unwrap();
    let without = now(db.seal()).unwrap();
    now(db.restore(root)).unwrap();
    assert!(db.get("orders", 1).unwrap().is_some());
    now(db.restore(without)).unwrap();
    assert!(db.get("orders", 1).unwrap().is_none());

    db.release(without);
    assert!(!db.can_restore(without));
    assert!(now(db.restore(without)).is_err());
    assert!(db.can_restore(root));
}

#[test]
fn closing_puts_everything_back() {
    let db = orders();
    now(db.begin(&mut |_, _| {})).unwrap();
    db.clear();
    db.insert("log", ["cleared"]).unwrap();
    now(db.seal()).unwrap();
    now(db.close()).unwrap();
    assert_eq!(db.count("orders").unwrap(), 1);
    assert_eq!(db.count("log").unwrap(), 0);
}

#[test]
fn mistakes_are_named() {
    let db = orders();
    let twice = db.insert("orders", (1, "new", 0)).unwrap_err().to_string();
    assert!(
        twice.contains("`orders`") && twice.contains("key 1"),
        "{twice}"
    );
    let table = db.get("order", 1).unwrap_err().to_string();
    assert!(
        table.contains("`order`") && table.contains("orders, log"),
        "{table}"
    );
    let column = db
        .update("orders", 1, [("state", 1.into())])
        .unwrap_err()
        .to_string();
    assert!(
        column.contains("`state`") && column.contains("status"),
        "{column}"
    );
    assert!(db.insert("orders", (2, "new")).is_err());
}
