use axum::extract::State;
use axum::extract::rejection::JsonRejection;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::{Value, json};

use super::order::Order;
use super::payment::Payment;
use super::product::Product;
use super::store::Shop;
use super::subscription::Subscription;
use crate::server::{Answer, Id, Refusal};

type Created<T> = Result<(StatusCode, Json<T>), Refusal>;

pub(super) fn router(shop: Shop) -> Router {
    Router::new()
        .route("/health", get(async || "fine"))
        .route("/products/{id}", get(product).delete(delete_product))
        .route("/orders", get(orders).post(place))
        .route("/orders/{id}/pay", post(pay))
        .route("/orders/{id}/cancel", post(cancel))
        .route("/orders/{id}/reorder", post(reorder))
        .route("/subscriptions", get(subscriptions).post(subscribe))
        .route("/subscriptions/{id}/cancel", post(cancel_subscription))
        .route("/billing", post(bill))
        .route("/stats", get(stats))
        .with_state(shop)
}

async fn product(State(shop): State<Shop>, Id(id): Id) -> Answer<Product> {
    Ok(Json(shop.product(id).await?))
}

async fn delete_product(State(shop): State<Shop>, Id(id): Id) -> Result<StatusCode, Refusal> {
    shop.delete_product(id).await?;
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewOrder {
    product: i64,
}

async fn orders(State(shop): State<Shop>) -> Answer<Vec<Order>> {
    Ok(Json(shop.orders().await?))
}

async fn place(
    State(shop): State<Shop>,
    body: Result<Json<NewOrder>, JsonRejection>,
) -> Created<Order> {
    let Json(NewOrder { product }) = body?;
    Ok((StatusCode::CREATED, Json(shop.place(product).await?)))
}

async fn pay(State(shop): State<Shop>, Id(id): Id, headers: HeaderMap) -> Answer<Payment> {
    let key = headers.get("idempotency-key");
    let key = key.and_then(|key| key.to_str().ok()).ok_or_else(|| {
        Refusal::Unprocessable("send an Idempotency-Key of visible ASCII characters".to_owned())
    })?;
    Ok(Json(shop.pay(id, key).await?))
}

async fn cancel(State(shop): State<Shop>, Id(id): Id) -> Answer<Order> {
    Ok(Json(shop.cancel(id).await?))
}

async fn reorder(State(shop): State<Shop>, Id(id): Id) -> Answer<Order> {
    Ok(Json(shop.reorder(id).await?))
}

async fn subscriptions(State(shop): State<Shop>) -> Answer<Vec<Subscription>> {
    Ok(Json(shop.subscriptions().await?))
}

async fn subscribe(State(shop): State<Shop>) -> Created<Subscription> {
    Ok((StatusCode::CREATED, Json(shop.subscribe().await?)))
}

async fn cancel_subscription(State(shop): State<Shop>, Id(id): Id) -> Answer<Subscription> {
    Ok(Json(shop.cancel_subscription(id).await?))
}

async fn bill(State(shop): State<Shop>) -> Answer<Value> {
    Ok(Json(json!({ "renewed": shop.renew().await? })))
}

async fn stats(State(shop): State<Shop>) -> Answer<Value> {
    Ok(Json(
        json!({ "open_orders": shop.cache.open_orders().await? }),
    ))
}
