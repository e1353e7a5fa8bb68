//! Explores the orders machine on the mock and prints transitions per second: the bound for anything built on it.

use std::collections::{HashMap, VecDeque};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::Instant;

use venomqa_adapters::{FromValue, MockSystem, Row, System};

fn now<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => unreachable!("the mock waits for nothing"),
    }
}

fn int(row: &Row, column: usize) -> i64 {
    i64::from_value(&row[column]).unwrap_or_default()
}

/// One call of the orders machine: 0 creates, 1 + 4i + a does a to order i.
fn act(db: &MockSystem, action: usize, orders: usize) -> venomqa_adapters::Result<()> {
    if action == 0 {
        let count = db.count("orders")?;
        if count < orders {
            db.insert("orders", (count as i64 + 1, "new", 0, 0))?;
        }
        return Ok(());
    }
    let (id, verb) = (((action - 1) / 4 + 1) as i64, (action - 1) % 4);
    let Some(row) = db.get("orders", id)? else {
        return Ok(());
    };
    let (status, paid, refunded) = (row[1].to_string(), int(&row, 2), int(&row, 3));
    let (status, paid, refunded) = match (verb, status.as_str()) {
        (0, "new") => ("paid", 100, refunded),
        (1, "paid") => ("shipped", paid, refunded),
        (2, "paid" | "shipped") => ("refunded", paid, refunded + 100),
        (3, "new") => ("cancelled", paid, refunded),
        (3, "paid" | "refunded") => ("cancelled", paid, refunded + 100),
        _ => return Ok(()),
    };
    db.put("orders", (id, status, paid, refunded))
}

fn hash(row: &Row) -> u64 {
    let mut hasher = DefaultHasher::new();
    row.hash(&mut hasher);
    hasher.finish()
}

#[expect(clippy::print_stdout, reason = "a benchmark's output")]
fn main() -> venomqa_adapters::Result<()> {
    for orders in [3, 4, 5] {
        let columns = ["id", "status", "paid", "refunded"];
        let db = MockSystem::new().with_table("orders", &columns, &["id"]);
        let start = Instant::now();
        let root = now(db.begin(&mut |_, _| {}))?.checkpoint;
        let mut seen = HashMap::from([(0, root)]);
        let mut queue = VecDeque::from([(0_u64, root)]);
        let mut transitions = 0;
        while let Some((state, checkpoint)) = queue.pop_front() {
            for action in 0..=4 * orders {
                now(db.restore(checkpoint))?;
                act(&db, action, orders)?;
                transitions += 1;
                let mut next = state;
                for change in now(db.changes())? {
                    next = next.wrapping_sub(change.old.as_ref().map_or(0, hash));
                    next = next.wrapping_add(change.new.as_ref().map_or(0, hash));
                }
                if let std::collections::hash_map::Entry::Vacant(new) = seen.entry(next) {
                    queue.push_back((next, *new.insert(now(db.seal())?.checkpoint)));
                }
            }
        }
        let rate = f64::from(transitions) / start.elapsed().as_secs_f64();
        let (states, kib) = (seen.len(), db.memory() / 1024);
        let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
        let peak = status
            .lines()
            .find(|line| line.starts_with("VmHWM"))
            .unwrap_or("");
        println!(
            "K={orders}: {states} states, {transitions} transitions, {rate:.0}/s, checkpoints {kib} KiB, {peak}"
        );
    }
    Ok(())
}
