//! What must hold whatever the customer does, in the API and in what lies behind it.

use serde::Deserialize;
use venomqa::prelude::*;

/// What was deleted is gone.
#[invariant(severity = high)]
async fn deleted_is_gone(api: &HttpClient, ctx: &Context) -> Verdict {
    if ctx.has("deleted") {
        let status = api.get("/products/1").send().await?.status();
        ensure!(
            status == 404,
            "product 1 was deleted, and reading it answers {status}"
        );
    }
    Ok(())
}

/// The gateway charges each order and each period of a subscription once.
#[invariant(severity = critical)]
async fn charged_once(#[system("gateway")] log: &SqliteAdapter) -> Verdict {
    let twice =
        "SELECT reference, count(*) AS times FROM charges GROUP BY reference HAVING times > 1";
    for charge in log.query(twice, ()).await? {
        let (reference, times) = (&charge["reference"], &charge["times"]);
        ensure!(false, "{reference} was charged {times} times");
    }
    Ok(())
}

#[derive(Deserialize)]
struct Subscription {
    id: i64,
    period: i64,
    ends_after: Option<i64>,
}

/// Nothing is renewed after the period in which it was cancelled.
#[invariant(severity = critical)]
async fn cancelled_ends(api: &HttpClient) -> Verdict {
    let all: Vec<Subscription> = api.get("/subscriptions").send().await?.json_as()?;
    for Subscription {
        id,
        period,
        ends_after,
    } in all
    {
        ensure!(
            ends_after.is_none_or(|last| period <= last),
            "subscription {id} was cancelled, and is in period {period}"
        );
    }
    Ok(())
}

/// Nobody sells what is not there.
#[invariant(severity = high)]
async fn stock_is_not_negative(db: &PostgresAdapter) -> Verdict {
    for product in db
        .query("SELECT id, stock FROM products WHERE stock < 0", ())
        .await?
    {
        let (id, stock) = (&product["id"], &product["stock"]);
        ensure!(false, "there are {stock} of product {id}");
    }
    Ok(())
}

/// As many orders are open in PostgreSQL as Redis has counted.
#[invariant]
async fn count_is_consistent(db: &PostgresAdapter, cache: &RedisAdapter) -> Verdict {
    let rows = "SELECT count(*) AS open FROM orders WHERE status IN ('placed', 'paid')";
    let stored: i64 = db.query(rows, ()).await?[0].get("open")?;
    let counted: i64 = cache.get("orders:open").await?.unwrap_or(0);
    ensure!(
        counted == stored,
        "{stored} orders are open, and {counted} are counted"
    );
    Ok(())
}
