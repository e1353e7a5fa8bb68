//! What a customer does, and the shop's nightly billing.

use venomqa::prelude::*;

/// Looking at a product puts it into the cache.
#[action]
async fn read_product(api: &HttpClient) -> ActionResult {
    api.get("/products/1").send().await
}

#[action]
async fn delete_product(api: &HttpClient, ctx: &mut Context) -> ActionResult {
    let deleted = api.delete("/products/1").send().await?;
    if deleted.is_success() {
        ctx.set("deleted", true);
    }
    Ok(deleted)
}

#[action]
async fn place_order(api: &HttpClient, ctx: &mut Context) -> ActionResult {
    let placed = api.post("/orders").json(&json!({ "product": 1 }));
    let placed = placed.send().await?;
    if placed.is_success() {
        ctx.set("order_id", placed.json()?["id"].clone());
    }
    Ok(placed)
}

/// Who has paid and sends the same again, because no answer came, retries.
#[action(requires("order_id"))]
async fn pay_order(api: &HttpClient, ctx: &Context) -> ActionResult {
    let id: i64 = ctx.require("order_id")?;
    api.post(&format!("/orders/{id}/pay"))
        .header("Idempotency-Key", &format!("payment of order {id}"))
        .send()
        .await
}

#[action(requires("order_id"))]
async fn cancel_order(api: &HttpClient, ctx: &mut Context) -> ActionResult {
    let id: i64 = ctx.require("order_id")?;
    let cancelled = api.post(&format!("/orders/{id}/cancel")).send().await?;
    if cancelled.is_success() {
        ctx.set("cancelled_id", id);
    }
    Ok(cancelled)
}

#[action(requires("cancelled_id"))]
async fn reorder(api: &HttpClient, ctx: &Context) -> ActionResult {
    let id: i64 = ctx.require("cancelled_id")?;
    api.post(&format!("/orders/{id}/reorder")).send().await
}

#[action]
async fn subscribe(api: &HttpClient, ctx: &mut Context) -> ActionResult {
    let subscribed = api.post("/subscriptions").send().await?;
    if subscribed.is_success() {
        ctx.set("subscription_id", subscribed.json()?["id"].clone());
    }
    Ok(subscribed)
}

#[action(requires("subscription_id"))]
async fn cancel_subscription(api: &HttpClient, ctx: &Context) -> ActionResult {
    let id: i64 = ctx.require("subscription_id")?;
    api.post(&format!("/subscriptions/{id}/cancel"))
        .send()
        .await
}

#[action]
async fn run_billing(api: &HttpClient) -> ActionResult {
    api.post("/billing").send().await
}
