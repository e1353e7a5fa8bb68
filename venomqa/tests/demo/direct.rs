//! The same calls once more, written down independently of the demo.

use venomqa::adapters::SqliteAdapter;
use venomqa::prelude::*;

/// Explores the demo's server with this bug, and returns the numbers of states and transitions.
pub(crate) fn explore(bug: &str) -> (u64, u64) {
    block_on(exploration(bug)).unwrap()
}

pub(crate) fn block_on<F: Future>(future: F) -> F::Output {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(future)
}

async fn exploration(bug: &str) -> Result<(u64, u64)> {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("orders.db");
    let db = SqliteAdapter::open(&path).await?;
    let mut command = Command::new(env!("CARGO_BIN_EXE_venomqa"));
    command
        .arg("serve-orders")
        .env("DATABASE_PATH", &path)
        .env("ORDERS_BUGS", bug);
    let server = Server::spawn(command).ready_when("/health").await?;
    let api = server
        .client()
        .with_header("authorization", "Bearer alice-token");
    let found = Agent::new(World::new(api).with("db", db).with_server(server))
        .action(Action::new("create", create))
        .action(Action::new("retry", retry))
        .action(Action::new("refund", refund))
        .action(Action::new("cancel", cancel))
        .action(Action::new("delete", delete))
        .invariant(Invariant::new("refunded", refunded))
        .explore()
        .await?;
    Ok((found.states_visited, found.transitions))
}

async fn create(api: &HttpClient, ctx: &mut Context) -> ActionResult {
    let orders = ctx.get("orders")?.unwrap_or(0u32) + 1;
    let created = put(api, orders).send().await?;
    if created.status() == 201 {
        ctx.set("orders", orders);
    }
    Ok(created)
}

async fn retry(api: &HttpClient, ctx: &mut Context) -> ActionResult {
    put(api, ctx.require("orders")?).send().await
}

fn put(api: &HttpClient, order: u32) -> Request {
    let key = format!("k{order}");
    api.post("/orders")
        .header("idempotency-key", &key)
        .json(&json!({ "amount": 100 }))
}

async fn refund(api: &HttpClient, ctx: &mut Context) -> ActionResult {
    let last: u32 = ctx.require("orders")?;
    api.post(&format!("/orders/{last}/refund")).send().await
}

async fn cancel(api: &HttpClient, ctx: &mut Context) -> ActionResult {
    let last: u32 = ctx.require("orders")?;
    api.post(&format!("/orders/{last}/cancel")).send().await
}

async fn delete(api: &HttpClient, ctx: &mut Context) -> ActionResult {
    let last: u32 = ctx.require("orders")?;
    let deleted = api.delete(&format!("/orders/{last}")).send().await?;
    ctx.remove("orders");
    if last > 1 {
        ctx.set("orders", last - 1);
    }
    Ok(deleted)
}

async fn refunded(api: &HttpClient, _: &Context) -> Verdict {
    let orders = api.get("/orders").send().await?.json()?;
    let orders = orders.as_array().cloned().unwrap_or_default();
    ensure!(
        orders
            .iter()
            .all(|order| order["refunded"].as_i64() <= order["paid"].as_i64())
    );
    Ok(())
}
