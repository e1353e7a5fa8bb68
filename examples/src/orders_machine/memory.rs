//! The machine in the memory of the test process: no server, no requests.

use venomqa::prelude::*;
use venomqa::{BoxFuture, Checked, Outcome, Parts};

use super::{VERBS, after, everything};

/// An explorer of the machine.
pub fn agent(orders: u32) -> Agent {
    let columns = ["id", "status", "paid", "refunded"];
    let db = MockSystem::new().with_table("orders", &columns, &["id"]);
    let mut agent = Agent::new(World::without_api().with("db", db)).config(everything());
    let orders = i64::from(orders);
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
            match after(verb, status, paid, refunded) {
                Some((status, paid, refunded)) => db.put("orders", (id, status, paid, refunded)),
                None => Ok(()),
            }
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
