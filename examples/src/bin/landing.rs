//! The whole of VenomQA without macros, without a database, on a server that starts with nothing each time.
//!
//! `cargo build --bin orders && cargo run --bin landing target/debug/orders`

use std::io::Write;

use venomqa::prelude::*;

async fn create_order(api: &HttpClient, ctx: &mut Context) -> ActionResult {
    let created = api
        .post("/orders")
        .json(&json!({ "amount": 100 }))
        .send()
        .await?;
    ctx.set("order_id", created.json()?["id"].clone());
    Ok(created)
}

async fn refund_order(api: &HttpClient, ctx: &mut Context) -> ActionResult {
    let id: i64 = ctx.require("order_id")?;
    api.post(&format!("/orders/{id}/refund")).send().await
}

async fn no_over_refund(api: &HttpClient, _: &Context) -> Result<(), Broken> {
    let orders = api.get("/orders").send().await?.json()?;
    let refunded = orders
        .pointer("/0/refunded")
        .and_then(Value::as_i64)
        .unwrap_or(0);
    ensure!(refunded <= 100, "refunded {refunded} of 100");
    Ok(())
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let program = std::env::args()
        .nth(1)
        .ok_or(Error::set_up("usage: landing <the orders binary>"))?;
    let mut command = Command::new(program);
    let server = Server::spawn(
        command
            .env("DATABASE_PATH", ":memory:")
            .env("ORDERS_BUGS", "double_refund"),
    )
    .ready_when("/health")
    .await?;
    let api = server.client().bearer("alice-token");

    let exploration = Agent::new(World::new(api).with_server(server))
        .action(Action::new("create_order", create_order))
        .action(Action::new("refund_order", refund_order))
        .invariant(Invariant::new("no_over_refund", no_over_refund).severity(Severity::Critical))
        .strategy(Bfs::default())
        .max_steps(50)
        .explore()
        .await?;
    writeln!(std::io::stdout(), "{}", exploration.summary())?;
    Ok(())
}
