//! What must hold whatever the customer does.

use std::collections::BTreeSet;

use serde::Deserialize;
use venomqa::prelude::*;

#[derive(Debug, PartialEq, Deserialize)]
struct Order {
    id: i64,
    reference: Option<String>,
    amount: i64,
    status: String,
    paid: i64,
    refunded: i64,
}

/// Refunds never exceed what was paid.
#[invariant(severity = critical)]
async fn no_over_refund(api: &HttpClient) -> Verdict {
    for order in list(api).await? {
        let Order {
            id, paid, refunded, ..
        } = order;
        ensure!(
            refunded <= paid,
            "order {id}: refunded {refunded} of {paid}"
        );
    }
    Ok(())
}

/// Nobody pays twice for one order.
#[invariant(severity = critical)]
async fn paid_once(api: &HttpClient) -> Verdict {
    for order in list(api).await? {
        let Order {
            id, amount, paid, ..
        } = order;
        ensure!(paid <= amount, "order {id}: paid {paid} for {amount}");
    }
    Ok(())
}

/// What is shipped is paid for.
#[invariant(severity = high)]
async fn shipped_is_paid(api: &HttpClient) -> Verdict {
    for order in list(api)
        .await?
        .iter()
        .filter(|order| order.status == "shipped")
    {
        let held = order.paid - order.refunded;
        ensure!(
            held >= order.amount,
            "order {}: shipped with {held} of {} paid",
            order.id,
            order.amount
        );
    }
    Ok(())
}

/// A reference of the customer's names one order.
#[invariant(severity = high)]
async fn one_order_per_reference(api: &HttpClient) -> Verdict {
    let mut seen = BTreeSet::new();
    for reference in list(api)
        .await?
        .into_iter()
        .filter_map(|order| order.reference)
    {
        ensure!(
            seen.insert(reference.clone()),
            "two orders are called {reference}"
        );
    }
    Ok(())
}

/// What was deleted is gone.
#[invariant(severity = high)]
async fn deleted_is_gone(api: &HttpClient, ctx: &Context) -> Verdict {
    let Some(id) = ctx.get::<i64>("deleted_id")? else {
        return Ok(());
    };
    let status = api.get(&format!("/orders/{id}")).send().await?.status();
    ensure!(
        status == 404,
        "order {id} was deleted, and reading it answers {status}"
    );
    ensure!(
        list(api).await?.iter().all(|order| order.id != id),
        "order {id} was deleted and is listed"
    );
    Ok(())
}

/// Nobody sees another customer's order.
#[invariant(severity = critical)]
fn orders_are_private(step: &Step) -> Verdict {
    let seen = step.action == "read_as_bob" && step.status == Some(200);
    ensure!(!seen, "Bob was shown Alice's order");
    Ok(())
}

/// The balance is the sum of all payments less that of all refunds.
#[invariant(severity = high)]
async fn balance_is_the_sum(api: &HttpClient) -> Verdict {
    let sum: i64 = list(api)
        .await?
        .iter()
        .map(|order| order.paid - order.refunded)
        .sum();
    let balance = api.get("/balance").send().await?.json()?["balance"].clone();
    ensure!(
        balance == sum,
        "the balance is {balance}, the orders hold {sum}"
    );
    Ok(())
}

/// The list says of each order what the order says itself.
#[invariant]
async fn list_and_order_agree(api: &HttpClient) -> Verdict {
    for listed in list(api).await? {
        let answer = api.get(&format!("/orders/{}", listed.id)).send().await?;
        // Whether it is there at all is another rule's concern.
        if answer.is_success() {
            let order: Order = answer.json_as()?;
            ensure!(order == listed, "listed as {listed:?}, read as {order:?}");
        }
    }
    Ok(())
}

async fn list(api: &HttpClient) -> Result<Vec<Order>> {
    api.get("/orders").send().await?.json_as()
}
