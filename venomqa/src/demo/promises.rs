use serde::Deserialize;

use super::orders::Bug;
use crate::{Context, HttpClient, Invariant, Result, Severity, Verdict, ensure};

/// Something that the shop promises, as a rule, and the bug that breaks it.
#[derive(Debug)]
pub(super) struct Promise {
    pub(super) name: &'static str,
    pub(super) about: &'static str,
    severity: Severity,
    /// What it costs when the promise is broken.
    pub(super) why_it_matters: &'static str,
    pub(super) broken_by: Bug,
    rule: fn(&str) -> Invariant,
}

pub(super) const NO_OVER_REFUND: Promise = Promise {
    name: "no_over_refund",
    about: "An order never gives back more than was paid for it.",
    severity: Severity::Critical,
    why_it_matters: "Whoever asks twice is paid twice: the shop loses the price of an order with each further call, and every \
                     answer says that all is well.",
    broken_by: Bug::DoubleRefund,
    rule: |name| Invariant::new(name, no_over_refund),
};

pub(super) const PAID_ONCE: Promise = Promise {
    name: "paid_once",
    about: "An order is charged once, however often its creation is retried.",
    severity: Severity::Critical,
    why_it_matters: "Clients retry when a network is slow, and trust the idempotency key to make that safe: here each retry takes \
                     the customer's money again.",
    broken_by: Bug::Idempotency,
    rule: |name| Invariant::new(name, paid_once),
};

pub(super) const BALANCE_ADDS_UP: Promise = Promise {
    name: "balance_adds_up",
    about: "The balance of a user is what the orders add up to.",
    severity: Severity::High,
    why_it_matters: "Two parts of one API tell different amounts, and whatever is decided by the balance is decided by money that \
                     is no longer there.",
    broken_by: Bug::StaleState,
    rule: |name| Invariant::new(name, balance_adds_up),
};

/// All of them.
pub(super) const PROMISES: [Promise; 3] = [NO_OVER_REFUND, PAID_ONCE, BALANCE_ADDS_UP];

impl Promise {
    /// As a rule to check after every call.
    pub(super) fn rule(&self) -> Invariant {
        (self.rule)(self.name)
            .severity(self.severity)
            .about(self.about)
    }
}

#[derive(Deserialize)]
struct Order {
    id: i64,
    amount: i64,
    paid: i64,
    refunded: i64,
}

async fn orders(api: &HttpClient) -> Result<Vec<Order>> {
    api.get("/orders").send().await?.json_as()
}

async fn no_over_refund(api: &HttpClient, _: &Context) -> Verdict {
    for order in orders(api).await? {
        ensure!(
            order.refunded <= order.paid,
            "order {}: refunded {} of {}",
            order.id,
            order.refunded,
            order.paid
        );
    }
    Ok(())
}

async fn paid_once(api: &HttpClient, _: &Context) -> Verdict {
    for order in orders(api).await? {
        ensure!(
            order.paid <= order.amount,
            "order {}: charged {} for {}",
            order.id,
            order.paid,
            order.amount
        );
    }
    Ok(())
}

async fn balance_adds_up(api: &HttpClient, _: &Context) -> Verdict {
    let account = api.get("/balance").send().await?.json()?;
    let orders = orders(api).await?;
    let sum: i64 = orders.iter().map(|order| order.paid - order.refunded).sum();
    ensure!(
        account["balance"] == sum,
        "the balance is {}, the orders add up to {sum}",
        account["balance"]
    );
    Ok(())
}
