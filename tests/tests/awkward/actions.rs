use venomqa::prelude::*;
use venomqa::{Ended, Exploration};

use crate::lab::{Lab, assert_tells, create_order, found, write_note};

/// Explores one odd action beside two good ones.
async fn explore(odd: Action) -> Exploration {
    let lab = Lab::new("");
    let agent = Agent::new(lab.world().await)
        .action(Action::new("create_order", create_order))
        .action(Action::new("write_note", write_note))
        .action(odd.may_fail())
        .max_depth(4);
    let exploration = agent.explore().await.unwrap();
    // Whatever the odd one does, the others are explored: an order or none, a note or none.
    assert_eq!(exploration.states_visited, 4, "{}", exploration.summary());
    assert_eq!(exploration.ended, Ended::Complete);
    exploration
}

async fn looks_first(api: &HttpClient, ctx: &mut Context) -> ActionResult {
    let orders = api.get("/orders").send().await?;
    ctx.require::<String>("no such key")?;
    Ok(orders)
}

#[tokio::test]
async fn an_action_that_declines_after_it_has_sent_something_is_a_finding() {
    let exploration = explore(Action::new("odd", looks_first)).await;
    assert_eq!(found(&exploration), ["no_late_refusal: odd"]);
    assert_tells(
        &exploration.violations[0].message,
        &["GET /orders -> 200", "then said that it does not apply"],
    );
}

async fn writes_first(api: &HttpClient, ctx: &mut Context) -> ActionResult {
    let id: String = ctx.require("order_id")?;
    let refunded = api.post(&format!("/orders/{id}/refund")).send().await?;
    ctx.require::<String>("no such key")?;
    Ok(refunded)
}

#[tokio::test]
async fn what_such_an_action_changed_is_no_part_of_the_graph() {
    let exploration = explore(Action::new("odd", writes_first)).await;
    assert_eq!(
        found(&exploration),
        ["no_late_refusal: create_order -> odd"]
    );
    assert!(exploration.notes.is_empty(), "{}", exploration.summary());
}

async fn misreads(api: &HttpClient, ctx: &mut Context) -> ActionResult {
    let id: i64 = ctx.require("order_id")?;
    api.get(&format!("/orders/{id}")).send().await
}

#[tokio::test]
async fn a_wrong_type_is_a_finding_and_not_a_state_in_which_the_action_does_not_apply() {
    let exploration = explore(Action::new("odd", misreads)).await;
    assert_eq!(
        found(&exploration),
        ["no_failed_action: create_order -> odd"]
    );
    assert_tells(
        &exploration.violations[0].message,
        &["context key `order_id`", "\"1\"", "i64"],
    );
}

async fn panics(api: &HttpClient, ctx: &mut Context) -> ActionResult {
    let noted = api.post("/notes").send().await?;
    assert_eq!(noted.status(), 201, "a note must be new");
    ctx.set("noted", true);
    Ok(noted)
}

#[tokio::test]
async fn a_panic_of_an_action_is_a_finding_with_its_place() {
    let lab = Lab::new("");
    let agent = Agent::new(lab.world().await)
        .action(Action::new("odd", panics))
        .max_depth(4);
    let exploration = agent.explore().await.unwrap();
    assert_eq!(found(&exploration), ["no_failed_action: odd -> odd"]);
    assert_tells(
        &exploration.violations[0].message,
        &["a note must be new", "panicked at", "actions.rs"],
    );
}

async fn gives_up(api: &HttpClient, _: &mut Context) -> std::result::Result<Response, String> {
    let orders = api
        .get("/orders")
        .send()
        .await
        .map_err(|error| error.to_string())?;
    Err(format!(
        "{} orders are not enough",
        orders.json().unwrap().as_array().unwrap().len()
    ))
}

#[tokio::test]
async fn an_error_of_the_actions_own_is_a_finding() {
    let exploration = explore(Action::new("odd", gives_up)).await;
    assert_eq!(found(&exploration), ["no_failed_action: odd"]);
    assert_tells(
        &exploration.violations[0].message,
        &["0 orders are not enough"],
    );
}
