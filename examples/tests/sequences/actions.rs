//! What a customer does. The order created last is the one that is paid, shipped, refunded, cancelled and deleted.

use venomqa::prelude::*;

#[action]
async fn create_order(api: &HttpClient, ctx: &mut Context) -> ActionResult {
    created(api.post("/orders").json(&json!({ "amount": 100 })), ctx).await
}

/// An order to be paid later.
#[action]
async fn reserve_order(api: &HttpClient, ctx: &mut Context) -> ActionResult {
    created(
        api.post("/orders")
            .json(&json!({ "amount": 100, "payment": "later" })),
        ctx,
    )
    .await
}

/// An order under a name of the customer's own.
#[action]
async fn order_cart(api: &HttpClient, ctx: &mut Context) -> ActionResult {
    created(
        api.post("/orders")
            .json(&json!({ "amount": 100, "reference": "cart-1" })),
        ctx,
    )
    .await
}

/// What a client with a bad connection does: it sends the same order again until it hears of it.
#[action]
async fn retry_order(api: &HttpClient, ctx: &mut Context) -> ActionResult {
    let order = api
        .post("/orders")
        .header("Idempotency-Key", "k1")
        .json(&json!({ "amount": 100 }));
    created(order, ctx).await
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

async fn created(order: Request, ctx: &mut Context) -> ActionResult {
    let created = order.send().await?;
    if created.is_success() {
        let id = created.json()?["id"].clone();
        // Numbers are used again, so what was deleted is there again.
        if ctx
            .get("deleted_id")?
            .is_some_and(|deleted: Value| deleted == id)
        {
            ctx.remove("deleted_id");
        }
        ctx.set("order_id", id);
    }
    Ok(created)
}

async fn of_order(api: &HttpClient, ctx: &Context, verb: &str) -> ActionResult {
    let id: i64 = ctx.require("order_id")?;
    api.post(&format!("/orders/{id}/{verb}")).send().await
}
