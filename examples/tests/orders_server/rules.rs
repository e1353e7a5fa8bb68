//! The shop's rules, each checked through the API alone.

use std::collections::BTreeSet;
use std::io;

use serde_json::{Value, json};

use super::server::{ALICE, BOB, Server, call};

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Rule {
    RefundedWithinPaid,
    ShippedIsPaid,
    PaidOnce,
    OneOrderPerReference,
    DeletedIsGone,
    OrdersArePrivate,
    BalanceIsTheSum,
    ListAndGetAgree,
    ServerIsAlive,
}

/// The rules that do not hold now. `deleted` are the ids of which a delete was granted and that no order got since.
pub(crate) fn broken(server: &mut Server, deleted: &BTreeSet<i64>) -> io::Result<BTreeSet<Rule>> {
    let mut broken = BTreeSet::new();
    let mut require = |rule, holds: bool| {
        if !holds {
            broken.insert(rule);
        }
    };
    let list = server.send(ALICE, call("GET", "/orders"))?.1;
    let orders = list.as_array().unwrap();

    for order in orders {
        let [amount, paid, refunded] =
            ["amount", "paid", "refunded"].map(|field| number(order, field));
        require(Rule::RefundedWithinPaid, refunded <= paid);
        require(Rule::PaidOnce, paid <= amount);
        require(
            Rule::ShippedIsPaid,
            order["status"] != "shipped" || paid - refunded >= amount,
        );

        let path = format!("/orders/{}", order["id"]);
        let mine = server.send(ALICE, call("GET", &path))?;
        require(Rule::ListAndGetAgree, mine == (200, order.clone()));
        let theirs = server.send(BOB, call("GET", &path))?;
        require(Rule::OrdersArePrivate, theirs.0 == 404);
    }
    require(
        Rule::OrdersArePrivate,
        server.send(BOB, call("GET", "/orders"))?.1 == Value::Array(Vec::new()),
    );

    let named: Vec<&Value> = orders
        .iter()
        .map(|order| &order["reference"])
        .filter(|name| !name.is_null())
        .collect();
    let names: BTreeSet<&str> = named.iter().filter_map(|name| name.as_str()).collect();
    require(Rule::OneOrderPerReference, named.len() == names.len());

    for id in deleted {
        let (status, _) = server.send(ALICE, call("GET", &format!("/orders/{id}")))?;
        let listed = orders.iter().any(|order| order["id"] == *id);
        require(Rule::DeletedIsGone, status == 404 && !listed);
    }

    let sum: i64 = orders
        .iter()
        .map(|order| number(order, "paid") - number(order, "refunded"))
        .sum();
    let amounts: i64 = orders.iter().map(|order| number(order, "amount")).sum();
    let average = amounts / orders.len().max(1) as i64;
    let account = server.send(ALICE, call("GET", "/balance"))?.1;
    require(
        Rule::BalanceIsTheSum,
        account == json!({ "balance": sum, "average": average }),
    );

    Ok(broken)
}

fn number(object: &Value, field: &str) -> i64 {
    object[field]
        .as_i64()
        .unwrap_or_else(|| panic!("no {field} in {object}"))
}
