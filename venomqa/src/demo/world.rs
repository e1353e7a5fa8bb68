use std::time::Duration;

use super::promises::PROMISES;
use crate::{Action, ActionResult, Agent, Context, HttpClient, World, json};

/// The explorer of a shop: what its users can do, and what it promises them. The same for every bug.
pub(super) fn agent(world: World) -> Agent {
    let agent = Agent::new(world)
        .action(Action::new("create_order", create_order))
        .action(Action::new("retry_create_order", retry_create_order))
        .action(Action::new("refund_order", refund_order))
        .action(Action::new("cancel_order", cancel_order))
        .action(Action::new("delete_order", delete_order))
        .budget(Duration::from_secs(20));
    PROMISES
        .iter()
        .fold(agent, |agent, promise| agent.invariant(promise.rule()))
}

async fn create_order(api: &HttpClient, ctx: &mut Context) -> ActionResult {
    let last: Option<i64> = ctx.get("order_id")?;
    let created = post_order(api, last.unwrap_or(0) + 1).await?;
    if created.is_success() {
        ctx.set("order_id", created.json()?["id"].clone());
    }
    Ok(created)
}

/// What a client does that never saw the answer to its last order.
async fn retry_create_order(api: &HttpClient, ctx: &mut Context) -> ActionResult {
    post_order(api, ctx.require("order_id")?).await
}

async fn refund_order(api: &HttpClient, ctx: &mut Context) -> ActionResult {
    let id: i64 = ctx.require("order_id")?;
    api.post(&format!("/orders/{id}/refund")).send().await
}

async fn cancel_order(api: &HttpClient, ctx: &mut Context) -> ActionResult {
    let id: i64 = ctx.require("order_id")?;
    api.post(&format!("/orders/{id}/cancel")).send().await
}

async fn delete_order(api: &HttpClient, ctx: &mut Context) -> ActionResult {
    let id: i64 = ctx.require("order_id")?;
    let deleted = api.delete(&format!("/orders/{id}")).send().await?;
    if deleted.is_success() {
        // The last order is now the one before it, as if this one had never been: the shop is back in an earlier state.
        match id {
            1 => drop(ctx.remove("order_id")),
            _ => ctx.set("order_id", id - 1),
        }
    }
    Ok(deleted)
}

/// The shop numbers orders without gaps, so the key of each order is its own.
async fn post_order(api: &HttpClient, number: i64) -> ActionResult {
    api.post("/orders")
        .header("idempotency-key", &format!("order-{number}"))
        .json(&json!({ "amount": 100 }))
        .send()
        .await
}
