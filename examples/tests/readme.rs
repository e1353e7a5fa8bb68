//! Every sequence of calls that creates and refunds orders.

use venomqa::prelude::*;

/// The world to explore. The function's name is the suite's name.
#[exploration(max_depth = 6)]
async fn orders() -> Result<World> {
    let file = concat!(env!("CARGO_TARGET_TMPDIR"), "/readme.db");
    let db = SqliteAdapter::open(file).await?;
    let mut command = Command::new(env!("CARGO_BIN_EXE_orders"));
    let server = Server::spawn(command.env("DATABASE_PATH", file));
    let server = server.ready_when("/health").await?;
    let api = server.client().bearer("alice-token");
    Ok(World::new(api).with("db", db).with_server(server))
}

#[action]
async fn create_order(api: &HttpClient, ctx: &mut Context) -> ActionResult {
    let order = json!({ "amount": 100 });
    let created = api.post("/orders").json(&order).send().await?;
    ctx.set("order_id", created.json()?["id"].clone());
    Ok(created)
}

#[action]
async fn refund_order(api: &HttpClient, ctx: &Context) -> ActionResult {
    let id: i64 = ctx.require("order_id")?; // no such key: the action does not apply in this state
    api.post(&format!("/orders/{id}/refund")).send().await
}

#[derive(serde::Deserialize)]
struct Order {
    id: i64,
    amount: i64,
    refunded: i64,
}

/// Refunds never exceed what was paid.
#[invariant(severity = critical)]
async fn no_over_refund(api: &HttpClient) -> Verdict {
    for order in api.get("/orders").send().await?.json_as::<Vec<Order>>()? {
        let (paid, back) = (order.amount, order.refunded);
        ensure!(
            back <= paid,
            "order {}: refunded {back} of {paid}",
            order.id
        );
    }
    Ok(())
}

venomqa::main!();
