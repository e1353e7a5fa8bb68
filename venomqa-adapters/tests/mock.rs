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
fn sealing_tells_what_arrived_since_the_changes_were_told() {
    let db = orders();
    let root = now(db.begin(&mut |_, _| {})).unwrap().checkpoint;
    db.update("orders", 1, [("paid", 100.into())]).unwrap();
    db.insert("orders", (2, "new", 0)).unwrap();
    now(db.changes()).unwrap();
    db.update("orders", 1, [("paid", 200.into())]).unwrap();
    db.delete("orders", 2).unwrap();
    let sealed = now(db.seal()).unwrap();
    assert_eq!(
        told(sealed.untold),
        ["orders#1: paid 100 -> 200", "orders#2 removed"]
    );
    assert_eq!(told(now(db.changes()).unwrap()), [""; 0]);
    assert_eq!(told(now(db.restore(root)).unwrap()), [""; 0]);
    now(db.restore(sealed.checkpoint)).unwrap();
    assert_eq!(db.get("orders", 1).unwrap().unwrap()[2], 200.into());
}

#[test]
fn a_branch_can_be_left_and_taken_up_again() {
    let db = orders();
    let root = now(db.begin(&mut |_, _| {})).unwrap().checkpoint;
    db.delete("orders", 1).unwrap();
    let without = now(db.seal()).unwrap().checkpoint;
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

fn query(db: &MockSystem, sql: &str) -> Vec<String> {
    let records = now(db.query(sql, ())).unwrap_or_else(|error| panic!("{sql}: {error}"));
    let line = |record: &venomqa_adapters::Record| {
        let cells = record.columns().iter().zip(record.values());
        cells
            .map(|(name, value)| format!("{name}={value}"))
            .collect::<Vec<_>>()
            .join(" ")
    };
    records.iter().map(line).collect()
}

#[test]
fn sql_reads_and_writes_the_same_tables() {
    let db = orders();
    let root = now(db.begin(&mut |_, _| {})).unwrap().checkpoint;
    let added = now(db.execute(
        "INSERT INTO orders(status, paid) VALUES ('paid', 100), (?, ?)",
        ("new", 2.5),
    ));
    assert_eq!(added.unwrap(), 2);
    assert_eq!(db.get("orders", 3).unwrap().unwrap()[2], 2.5.into());
    let changed = now(db.execute(
        "UPDATE orders SET paid = paid + 1, status = 'x' WHERE paid >= ? AND id <> 1",
        [3],
    ));
    assert_eq!(changed.unwrap(), 1);
    assert_eq!(
        query(
            &db,
            "SELECT id, paid FROM orders WHERE paid > 0 ORDER BY paid DESC, id LIMIT 1"
        ),
        ["id=2 paid=101"]
    );
    assert_eq!(
        query(&db, "SELECT * FROM orders WHERE status = 'x'"),
        ["id=2 status=x paid=101"]
    );
    assert_eq!(
        query(&db, "SELECT COUNT(*) AS n FROM orders WHERE paid <> 101"),
        ["n=2"]
    );

    now(db.execute("CREATE TABLE items(id INTEGER PRIMARY KEY, n INT)", ())).unwrap();
    now(db.execute("INSERT OR REPLACE INTO items VALUES (7, 1), (7, 2)", ())).unwrap();
    assert_eq!(query(&db, "SELECT * FROM items"), ["id=7 n=2"]);
    assert_eq!(
        now(db.execute("DELETE FROM orders WHERE id = 1", ())).unwrap(),
        1
    );
    now(db.restore(root)).unwrap();
    assert_eq!(
        query(&db, "SELECT * FROM orders"),
        ["id=1 status=new paid=0"]
    );
    assert!(
        now(db.query("SELECT * FROM items", ())).is_err(),
        "the table came after the root"
    );
}

#[test]
fn a_statement_that_fails_changes_nothing() {
    let db = orders();
    now(db.begin(&mut |_, _| {})).unwrap();
    let error = now(db.execute(
        "INSERT INTO orders VALUES (2, 'new', 0), (1, 'again', 0)",
        (),
    ))
    .unwrap_err();
    assert!(error.to_string().contains("key 1"), "{error}");
    now(db.execute("UPDATE orders SET paid = status + 1", ())).unwrap_err();
    let error = now(db.query("SELECT * FROM orders WHERE id IN (1)", ()))
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("`IN`") && error.contains("outside of the SQL"),
        "{error}"
    );
    assert_eq!(db.count("orders").unwrap(), 1);
    assert_eq!(told(now(db.changes()).unwrap()), [""; 0]);
}
