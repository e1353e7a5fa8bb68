//! tmp
use venomqa::adapters::SqliteAdapter;
use venomqa::prelude::*;
async fn create_order(api: &HttpClient, ctx: &mut Context) -> ActionResult {
    let created = api
        .post("/orders")
        .json(&json!({ "amount": 100 }))
        .send()
        .await?;
    if created.is_success() {
        ctx.set("order_id", created.json()?["id"].clone());
    }
    Ok(created)
}
async fn refund_order(api: &HttpClient, ctx: &mut Context) -> ActionResult {
    let id: i64 = ctx.require("order_id")?;
    api.post(&format!("/orders/{id}/refund")).send().await
}
async fn no_over_refund(api: &HttpClient, _: &Context) -> Verdict {
    for order in api
        .get("/orders")
        .send()
        .await?
        .json()?
        .as_array()
        .cloned()
        .unwrap_or_default()
    {
        ensure!(
            order["refunded"].as_i64() <= order["amount"].as_i64(),
            "order {}: refunded {} of {}",
            order["id"],
            order["refunded"],
            order["amount"]
        );
    }
    Ok(())
}
#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let dir = tempfile::tempdir()?;
    let path = dir.path().join("orders.db");
    let db = SqliteAdapter::open(&path).await?;
    let server = Server::spawn(
        Command::new(std::env::args().nth(1).unwrap())
            .env("DATABASE_PATH", &path)
            .env("ORDERS_BUGS", std::env::args().nth(2).unwrap()),
    )
    .ready_when("/health")
    .await?;
    let api = server
        .client()
        .with_header("authorization", "Bearer alice-token");
    let t = std::time::Instant::now();
    let result = Agent::new(World::new(api).with("db", db).with_server(server))
        .action(Action::new("create_order", create_order))
        .action(Action::new("refund_order", refund_order))
        .invariant(Invariant::new("no_over_refund", no_over_refund))
        .explore()
        .await?;
    println!("{}\n{:?}", result.summary(), t.elapsed());
    for v in &result.violations {
        for s in &v.sequence {
            println!("{} {:?} {:?}", s.label, s.status, s.changes);
        }
    }
    println!("{:#?}", result.systems);
    Ok(())
}
