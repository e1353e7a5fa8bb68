//! The routes: from a request to the store, and from its answer to JSON.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::extract::rejection::{JsonRejection, PathRejection};
use axum::extract::{FromRequestParts, Path, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::{Value, json};

use super::auth::User;
use super::order::{MAX_NAME, NewOrder, Order};
use super::refusal::Refusal;
use super::store::{Account, Created, Store};

type Answer<T> = Result<Json<T>, Refusal>;

/// What the handlers share. They hold the lock for some microseconds and never across an `await`.
#[derive(Debug, Clone)]
pub(super) struct Shop(Arc<Mutex<Store>>);

impl Shop {
    pub(super) fn store(&self) -> MutexGuard<'_, Store> {
        // A transaction that a panic cut short was rolled back: the store is as good as before.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

pub(super) fn router(store: Store) -> Router {
    Router::new()
        .route("/health", get(health))
        .route("/orders", get(list).post(create))
        .route("/orders/{id}", get(show).delete(delete))
        .route("/orders/{id}/pay", post(pay))
        .route("/orders/{id}/ship", post(ship))
        .route("/orders/{id}/refund", post(refund))
        .route("/orders/{id}/cancel", post(cancel))
        .route("/balance", get(balance))
        .fallback(async |uri: Uri| Refusal::NotFound(format!("there is no {}", uri.path())))
        .method_not_allowed_fallback(async || Refusal::MethodNotAllowed)
        .with_state(Shop(Arc::new(Mutex::new(store))))
}

async fn health() -> Json<Value> {
    Json(json!({ "status": "ok" }))
}

async fn list(State(shop): State<Shop>, user: User) -> Answer<Vec<Order>> {
    Ok(Json(shop.store().orders(user)?))
}

async fn create(
    State(shop): State<Shop>,
    user: User,
    headers: HeaderMap,
    body: Result<Json<NewOrder>, JsonRejection>,
) -> Result<(StatusCode, Json<Order>), Refusal> {
    let Json(order) = body?;
    order.check()?;
    match shop
        .store()
        .create(user, &order, idempotency_key(&headers)?)?
    {
        Created::New(order) => Ok((StatusCode::CREATED, Json(order))),
        Created::Before(order) => Ok((StatusCode::OK, Json(order))),
    }
}

async fn show(State(shop): State<Shop>, user: User, OrderId(id): OrderId) -> Answer<Order> {
    Ok(Json(shop.store().order(user, id)?))
}

async fn pay(State(shop): State<Shop>, user: User, OrderId(id): OrderId) -> Answer<Order> {
    Ok(Json(shop.store().pay(user, id)?))
}

async fn ship(State(shop): State<Shop>, user: User, OrderId(id): OrderId) -> Answer<Order> {
    Ok(Json(shop.store().ship(user, id)?))
}

async fn refund(State(shop): State<Shop>, user: User, OrderId(id): OrderId) -> Answer<Order> {
    Ok(Json(shop.store().refund(user, id)?))
}

async fn cancel(State(shop): State<Shop>, user: User, OrderId(id): OrderId) -> Answer<Order> {
    Ok(Json(shop.store().cancel(user, id)?))
}

async fn delete(
    State(shop): State<Shop>,
    user: User,
    OrderId(id): OrderId,
) -> Result<StatusCode, Refusal> {
    shop.store().delete(user, id)?;
    Ok(StatusCode::NO_CONTENT)
}

async fn balance(State(shop): State<Shop>, user: User) -> Answer<Account> {
    Ok(Json(shop.store().account(user)?))
}

fn idempotency_key(headers: &HeaderMap) -> Result<Option<&str>, Refusal> {
    let Some(key) = headers.get("idempotency-key") else {
        return Ok(None);
    };
    match key.to_str() {
        Ok(key) if !key.is_empty() && key.len() <= MAX_NAME => Ok(Some(key)),
        _ => Err(Refusal::BadRequest(format!(
            "Idempotency-Key must be 1 to {MAX_NAME} visible ASCII characters"
        ))),
    }
}

/// The `{id}` of a path. Takes the place of `Path<i64>` so that a bad one is answered in JSON like everything else.
struct OrderId(i64);

impl FromRequestParts<Shop> for OrderId {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, shop: &Shop) -> Result<Self, Refusal> {
        let id: Result<Path<i64>, PathRejection> = Path::from_request_parts(parts, shop).await;
        let Path(id) = id?;
        Ok(Self(id))
    }
}
