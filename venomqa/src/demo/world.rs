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
        .budget(Duration::from_secs(20));
    PROMISES
        .iter()
        .fold(agent, |agent, promise| agent.invariant(promise.rule()))
}

async fn create_order(api: &HttpClient, ctx: &mut Context) -> ActionResult {
    let orders: u32 = ctx.get("orders")?.unwrap_or(0);
    let created = post_order(api, orders + 1).await?;
    if created.is_success() {
        ctx.set("orders", orders + 1);
        ctx.set("order_id", created.json()?["id"].clone());
    }
    Ok(created)
}

/// What a client does that never saw the answer to its last order.
async fn retry_create_order(api: &HttpClient, ctx: &mut Context) -> ActionResult {
    post_order(api, ctx.require("orders")?).await
}

async fn refund_order(api: &HttpClient, ctx: &mut Context) -> ActionResult {
    let id: i64 = ctx.require("order_id")?;
    api.post(&format!("/orders/{id}/refund")).send().await
}

async fn cancel_order(api: &HttpClient, ctx: &mut Context) -> ActionResult {
    let id: i64 = ctx.require("order_id")?;
    api.post(&format!("/orders/{id}/cancel")).send().await
}

async fn post_order(api: &HttpClient, number: u32) -> ActionResult {
    api.post("/orders")
        .header("idempotency-key", &format!("order-{number}"))
        .json(&json!({ "amount": 100 }))
        .send()
        .await
}
