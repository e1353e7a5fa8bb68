//! Functions of the user's that the run calls: they fail, and they leave things behind.

use std::time::Duration;

use venomqa::prelude::*;
use venomqa::strategy::{Offer, Pair, Strategy};
use venomqa::{Config, Exploration};

use crate::lab::{
    Lab, assert_clean, assert_tells, create_order, error_of, found, refund_order, shop,
};

async fn no_orders(api: &HttpClient, _: &Context) -> Verdict {
    let orders = api.get("/orders").send().await?.json()?;
    ensure!(orders == json!([]), "there are orders");
    Ok(())
}

async fn cannot_bear_refunds(api: HttpClient) -> Result<Value> {
    let orders = api.get("/orders").send().await?.json()?;
    assert!(orders[0]["refunded"] != 100, "a refund");
    Ok(orders)
}

#[tokio::test]
async fn a_hook_that_panics_ends_the_run_and_loses_no_finding() {
    let lab = Lab::new("");
    let config = Config {
        expand_violating: true,
        max_depth: 3,
        ..Config::default()
    };
    let agent = Agent::new(lab.world().await.observe(cannot_bear_refunds))
        .action(Action::new("create_order", create_order))
        .action(Action::new("refund_order", refund_order))
        .invariant(Invariant::new("no_orders", no_orders))
        .config(config);
    let exploration = agent.explore().await.unwrap();
    let (message, sequence, _) = error_of(&exploration);
    assert_tells(message, &["`observe` failed: a refund", "hooks.rs"]);
    assert_eq!(sequence, ["create_order", "refund_order"]);
    assert_eq!(found(&exploration), ["no_orders: create_order"]);

    let db = rusqlite::Connection::open(lab.database()).unwrap();
    let left = "SELECT (SELECT count(*) FROM orders) + (SELECT count(*) FROM sqlite_master WHERE name LIKE '%venomqa%')";
    assert_eq!(
        db.query_row(left, [], |row| row.get::<_, i64>(0)).unwrap(),
        0
    );
}

async fn forget(api: HttpClient) -> Result<()> {
    api.post("/reset").send().await.map(drop)
}

async fn orders(api: HttpClient) -> Result<Value> {
    api.get("/orders").send().await?.json()
}

#[tokio::test]
async fn a_reset_is_done_before_the_first_action_and_after_the_last() {
    let lab = Lab::new("limit=2");
    let server = Server::spawn(lab.forgetful())
        .ready_when("/health")
        .await
        .unwrap();
    let api = server.client();
    // What somebody has left behind is no part of the initial state.
    api.post("/orders")
        .json(&json!({ "amount": 100 }))
        .send()
        .await
        .unwrap();
    let world = World::new(server.client()).observe(orders).reset(forget);
    let agent = shop(world).invariant(Invariant::new("few_orders", few_orders));
    assert_clean(&agent.explore().await.unwrap());
    assert_eq!(orders(api).await.unwrap(), json!([]));
}

async fn few_orders(api: &HttpClient, ctx: &Context) -> Verdict {
    let orders = api.get("/orders").send().await?.json()?;
    ensure!(
        ctx.has("order_id") || orders == json!([]),
        "orders that nobody created: {orders}"
    );
    Ok(())
}

async fn gives_up(_: &HttpClient, ctx: &mut Context) -> ActionResult {
    assert!(
        ctx.require::<String>("no such key").is_ok(),
        "no key, no action"
    );
    unreachable!()
}

#[tokio::test]
async fn an_action_that_panics_over_a_missing_key_has_failed() {
    let lab = Lab::new("");
    let agent = Agent::new(lab.world().await)
        .action(Action::new("create_order", create_order))
        .action(Action::new("gives_up", gives_up).may_fail())
        .max_depth(2);
    let exploration = agent.explore().await.unwrap();
    assert_eq!(found(&exploration), ["no_failed_action: gives_up"]);
}

async fn waits_for_ever(api: &HttpClient, _: &mut Context) -> ActionResult {
    loop {
        api.get("/orders").send().await?;
    }
}

#[tokio::test]
async fn an_action_that_never_ends_ends_the_run_with_its_name() {
    let lab = Lab::new("");
    let world = lab.world().await.call_limit(Duration::from_millis(300));
    let agent = Agent::new(world)
        .action(Action::new("create_order", create_order))
        .action(Action::new("waits_for_ever", waits_for_ever).requires(["order_id"]))
        .max_depth(2);
    let exploration = agent.explore().await.unwrap();
    let (message, sequence, _) = error_of(&exploration);
    assert_tells(
        message,
        &["did not end within 300ms", "`World::call_limit`"],
    );
    assert_eq!(sequence, ["create_order", "waits_for_ever"]);
}

#[tokio::test]
async fn two_rules_of_one_name_are_refused() {
    let lab = Lab::new("");
    let rule = || Invariant::new("no_orders", no_orders);
    let agent = Agent::new(lab.world().await)
        .invariant(rule())
        .invariant(rule());
    let error = agent.explore().await.unwrap_err().to_string();
    assert_eq!(error, "two rules are called `no_orders`");
}

async fn shrugs(api: &HttpClient, _: &Context) -> bool {
    let Ok(orders) = api.get("/orders").send().await else {
        return true;
    };
    let orders = orders.json().unwrap_or_default();
    if orders[0]["refunded"] == 100 {
        let id = orders[0]["id"].as_str().unwrap_or_default();
        let _ = api.post(&format!("/orders/{id}/refund")).send().await;
    }
    true
}

#[tokio::test]
async fn a_rule_that_shrugs_at_a_lost_answer_has_not_held() {
    let lab = Lab::new("second_refund=hang");
    let agent = Agent::new(lab.impatient_world().await)
        .action(Action::new("create_order", create_order))
        .action(Action::new("refund_order", refund_order).max_calls(1))
        .invariant(Invariant::new("shrugs", shrugs))
        .max_depth(2);
    let exploration = agent.explore().await.unwrap();
    let rule = &exploration.rules[0];
    assert!(rule.not_checked > 0, "{rule:?}");
    assert_tells(
        &exploration.shortcomings().join("\n"),
        &["`shrugs` could not be evaluated"],
    );
}

/// Takes everything and gives the first pair only, as often as it is allowed to.
#[derive(Debug, Default)]
struct Forgetful {
    first: Option<Pair>,
    left: u32,
}

impl Strategy for Forgetful {
    fn offer(&mut self, offers: &[Offer]) {
        self.first = self.first.or(offers.first().map(|offer| offer.pair));
    }

    fn next(&mut self) -> Option<Pair> {
        self.left = self.left.checked_sub(1)?;
        self.first
    }
}

async fn explore_forgetfully(left: u32) -> Exploration {
    let strategy = Forgetful { first: None, left };
    let lab = Lab::new("");
    let agent = shop(lab.world().await).strategy(strategy);
    agent.explore().await.unwrap()
}

#[tokio::test]
async fn a_strategy_that_loses_pairs_or_repeats_them_completes_nothing() {
    let lost = explore_forgetfully(1).await;
    assert_tells(error_of(&lost).0, &["the strategy has lost"]);
    let repeated = explore_forgetfully(100).await;
    assert_tells(error_of(&repeated).0, &["which it was not offered"]);
}
