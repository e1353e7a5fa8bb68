//! The orders machine: a small shop whose numbers of states and transitions are known exactly.
//!
//! At most K orders, each of which is paid, shipped, refunded and cancelled. A refunded order that is cancelled is refunded
//! again: that is the bug. Every action is tried in every state, so that with K orders there are 7^0 + 7^1 + .. + 7^K
//! states and 1 + 4K transitions from each.

use venomqa::prelude::*;
use venomqa::{BoxFuture, Checked, Outcome, Parts};

/// What can be done to an order, besides creating one.
const VERBS: [&str; 4] = ["pay", "ship", "refund", "cancel"];

/// An explorer of the machine with at most `orders` orders, in memory.
///
/// The depth is unlimited, and states that break the rule are expanded too.
pub fn agent(orders: i64) -> Agent {
    let columns = ["id", "status", "paid", "refunded"];
    let db = MockSystem::new().with_table("orders", &columns, &["id"]);
    let config = venomqa::Config {
        max_depth: u32::MAX,
        budget: None,
        expand_violating: true,
        ..Default::default()
    };
    let mut agent = Agent::new(World::without_api().with("db", db)).config(config);
    agent = agent.action(create(orders));
    for id in 1..=orders {
        for verb in VERBS {
            agent = agent.action(change(verb, id));
        }
    }
    agent.invariant(never_refunded_more_than_paid())
}

/// Every action of the machine declares itself applicable everywhere: refusals are self-loops.
fn create(limit: i64) -> Action {
    Action::of_parts("create", move |parts| {
        on_orders(parts, move |db| {
            let orders = i64::try_from(db.count("orders")?).unwrap_or(limit);
            if orders < limit {
                db.put("orders", (orders + 1, "new", 0, 0))?;
            }
            Ok(())
        })
    })
}

fn change(verb: &'static str, id: i64) -> Action {
    let action = Action::of_parts(verb, move |parts| {
        on_orders(parts, move |db| {
            let Some(order) = db.get("orders", id)? else {
                return Ok(());
            };
            let (status, paid, refunded) = (text(&order[1]), int(&order[2]), int(&order[3]));
            let (status, paid, refunded) = match (verb, status) {
                ("pay", "new") => ("paid", 100, refunded),
                ("ship", "paid") => ("shipped", paid, refunded),
                ("refund", "paid" | "shipped") => ("refunded", paid, refunded + 100),
                ("cancel", "new") => ("cancelled", paid, refunded),
                // The bug: what was refunded is refunded again.
                ("cancel", "paid" | "refunded") => ("cancelled", paid, refunded + 100),
                _ => return Ok(()),
            };
            db.put("orders", (id, status, paid, refunded))
        })
    });
    action.arguments(&format!("id={id}"))
}

fn never_refunded_more_than_paid() -> Invariant {
    Invariant::of_parts("never_refunded_more_than_paid", |parts: Parts<'_>| {
        let checked = parts
            .world()
            .system::<MockSystem>(None)
            .and_then(|db| Ok(db.rows("orders")?));
        let checked = match checked {
            Err(error) => Checked::NotChecked(error.to_string()),
            Ok(orders) => match orders.iter().find(|order| int(&order[3]) > int(&order[2])) {
                None => Checked::Held,
                Some(order) => Checked::Broken(format!(
                    "order {}: refunded {} of {}",
                    order[0], order[3], order[2]
                )),
            },
        };
        Box::pin(std::future::ready(checked))
    })
}

fn on_orders<'a>(
    parts: Parts<'a>,
    change: impl FnOnce(&MockSystem) -> Result<(), venomqa::adapters::Error> + Send + 'a,
) -> BoxFuture<'a, Outcome> {
    let outcome = match parts.world().system::<MockSystem>(None) {
        Err(error) => Outcome::Failed(error),
        Ok(db) => match change(db) {
            Ok(()) => Outcome::Done,
            Err(error) => Outcome::Failed(error.into()),
        },
    };
    Box::pin(std::future::ready(outcome))
}

fn int(value: &venomqa::adapters::Value) -> i64 {
    match value {
        venomqa::adapters::Value::Int(value) => *value,
        _ => 0,
    }
}

fn text(value: &venomqa::adapters::Value) -> &str {
    match value {
        venomqa::adapters::Value::Text(text) => text,
        _ => "",
    }
}
