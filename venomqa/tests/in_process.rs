//! An API in this process is explored as one behind a socket is.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::Value;
use venomqa::prelude::*;
use venomqa::{Ended, Exploration};

/// What the handlers share with the explorer: the tables.
type Shop = State<MockSystem>;

fn tables() -> MockSystem {
    MockSystem::new().with_table("orders", &["id", "paid", "refunded"], &["id"])
}

/// A shop that refunds as often as it is asked, and at last panics.
fn router(tables: MockSystem) -> Router {
    Router::new()
        .route("/orders", get(list).post(create))
        .route("/orders/{id}/refund", post(refund))
        .with_state(tables)
}

async fn list(State(shop): Shop) -> Json<Vec<(i64, i64, i64)>> {
    let orders = shop.rows("orders").expect("the table");
    Json(orders.iter().map(order).collect())
}

fn order(row: &venomqa::adapters::Row) -> (i64, i64, i64) {
    let [id, paid, refunded] = [0, 1, 2].map(|column| match row[column] {
        venomqa::adapters::Value::Int(value) => value,
        ref other => panic!("no whole number: {other:?}"),
    });
    (id, paid, refunded)
}

async fn create(State(shop): Shop) -> (StatusCode, Json<Value>) {
    let id = 1 + i64::try_from(shop.count("orders").expect("the table")).expect("few");
    if id > 2 {
        return (StatusCode::CONFLICT, Json(json!("the shop is full")));
    }
    shop.insert("orders", (id, 100, 0)).expect("a new order");
    (StatusCode::CREATED, Json(json!({ "id": id })))
}

async fn refund(State(shop): Shop, Path(id): Path<i64>) -> Json<i64> {
    let row = shop.get("orders", id).expect("the table");
    let (id, paid, refunded) = order(&row.expect("an order"));
    assert!(refunded < 300, "nothing is left");
    shop.put("orders", (id, paid, refunded + 100))
        .expect("a refund");
    Json(refunded + 100)
}

async fn create_order(api: &HttpClient, ctx: &mut Context) -> ActionResult {
    let created = api.post("/orders").send().await?;
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
    let orders: Vec<(i64, i64, i64)> = api.get("/orders").send().await?.json_as()?;
    for (id, paid, refunded) in orders {
        ensure!(
            refunded <= paid,
            "order {id}: refunded {refunded} of {paid}"
        );
    }
    Ok(())
}

async fn explore(api: HttpClient, tables: MockSystem, beyond: bool) -> Exploration {
    Agent::new(World::new(api).with("tables", tables))
        .action(Action::new("create_order", create_order))
        .action(Action::new("refund_order", refund_order))
        .invariant(Invariant::new("no_over_refund", no_over_refund))
        .config(venomqa::Config {
            expand_violating: beyond,
            ..Default::default()
        })
        .explore()
        .await
        .expect("an exploration")
}

async fn through_a_socket(tables: MockSystem) -> HttpClient {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    tokio::spawn(axum::serve(listener, router(tables)).into_future());
    HttpClient::new(&url).expect("a URL")
}

#[tokio::test]
async fn the_same_is_found_as_through_a_socket() {
    let (here, there) = (tables(), tables());
    let api = HttpClient::in_process(router(here.clone())).expect("a client");
    let in_process = explore(api, here, false).await;
    let api = through_a_socket(there.clone()).await;
    let through_a_socket = explore(api, there, false).await;
    for found in [&in_process, &through_a_socket] {
        assert_eq!(found.ended, Ended::Complete, "{}", found.summary());
        assert_eq!(found.shortcomings(), [""; 0]);
        let [violation] = &*found.violations else {
            panic!("{}", found.summary());
        };
        assert_eq!(violation.path(), "create_order-refund_order-refund_order");
        assert!(violation.is_confirmed());
        let last = &violation.sequence[2];
        assert_eq!(
            last.exchanges[0].to_string(),
            "POST /orders/1/refund -> 200"
        );
        assert_eq!(last.changes, ["orders#1: refunded 100 -> 200"]);
    }
    let figures = |found: &Exploration| (found.states_visited, found.transitions, found.depth);
    assert_eq!(figures(&in_process), figures(&through_a_socket));
}

#[tokio::test]
async fn a_handler_that_panics_ends_it_as_an_error_with_the_sequence_and_what_was_found_before() {
    let tables = tables();
    let api = HttpClient::in_process(router(tables.clone())).expect("a client");
    let found = explore(api, tables, true).await;
    let Ended::Error {
        message, sequence, ..
    } = &found.ended
    else {
        panic!("{}", found.summary());
    };
    assert!(
        message.contains("POST http://localhost/orders/1/refund: no answer from the API: nothing is left (panicked at "),
        "{message}"
    );
    assert_eq!(sequence[0], "create_order");
    assert_eq!(sequence[1..], ["refund_order"; 4]);
    let [violation] = &*found.violations else {
        panic!("{}", found.summary());
    };
    assert_eq!(violation.path(), "create_order-refund_order-refund_order");
}
