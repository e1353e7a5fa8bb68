//! What a customer does. The order created last is the one that is paid, shipped, refunded, cancelled and deleted.

use serde::Deserialize;
use venomqa::prelude::*;

/// An order that is paid at once, or later, or carries a name of the customer's own, or is sent by a client that sends the same
/// order again until it hears of it.
#[action]
async fn create_order(
    api: &HttpClient,
    ctx: &mut Context,
    #[values("paid", "to_pay", "named", "retried")] how: &str,
) -> ActionResult {
    let order = api.post("/orders");
    let order = match how {
        "to_pay" => order.json(&json!({ "amount": 100, "payment": "later" })),
        "named" => order.json(&json!({ "amount": 100, "reference": "cart-1" })),
        "retried" => order
            .json(&json!({ "amount": 100 }))
            .header("Idempotency-Key", "k1"),
        _ => order.json(&json!({ "amount": 100 })),
    };
    let created = order.send().await?;
    if created.is_success() {
        let id: i64 = created.json_as::<Created>()?.id;
        // Numbers are used again, so what was deleted is there again.
        if ctx.get("deleted_id")? == Some(id) {
            ctx.remove("deleted_id");
        }
        ctx.set("order_id", id);
    }
    Ok(created)
}

#[derive(Deserialize)]
struct Created {
    id: i64,
}

#[action(requires("order_id"))]
async fn pay_order(api: &HttpClient, ctx: &Context) -> ActionResult {
    of_order(api, ctx, "pay").await
}

#[action(requires("order_id"))]
async fn ship_order(api: &HttpClient, ctx: &Context) -> ActionResult {
    of_order(api, ctx, "ship").await
}

#[action(requires("order_id"))]
async fn refund_order(api: &HttpClient, ctx: &Context) -> ActionResult {
    of_order(api, ctx, "refund").await
}

#[action(requires("order_id"))]
async fn cancel_order(api: &HttpClient, ctx: &Context) -> ActionResult {
    of_order(api, ctx, "cancel").await
}

#[action]
async fn delete_order(api: &HttpClient, ctx: &mut Context) -> ActionResult {
    let id: i64 = ctx.require("order_id")?;
    let deleted = api.delete(&format!("/orders/{id}")).send().await?;
    if deleted.is_success() {
        ctx.set("deleted_id", id);
    }
    Ok(deleted)
}

/// Bob guesses the number of Alice's order.
#[action(expect = 404)]
async fn read_as_bob(api: &HttpClient, ctx: &Context) -> ActionResult {
    let id: i64 = ctx.require("order_id")?;
    api.role("bob").get(&format!("/orders/{id}")).send().await
}

async fn of_order(api: &HttpClient, ctx: &Context, verb: &str) -> ActionResult {
    let id: i64 = ctx.require("order_id")?;
    api.post(&format!("/orders/{id}/{verb}")).send().await
}
