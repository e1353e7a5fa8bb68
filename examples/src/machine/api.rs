use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::routing::{get, post};
use axum::{Json, Router};

use super::storage::{Order, Storage};
use crate::server::{Answer, Id, Refusal};

/// What the handlers share.
#[derive(Debug, Clone)]
struct Machine<S> {
    storage: S,
    max: i64,
}

pub(super) fn router<S: Storage>(storage: S, max: i64) -> Router {
    Router::new()
        .route("/health", get(async || "fine"))
        .route("/orders", get(list::<S>).post(create::<S>))
        .route("/orders/{id}", axum::routing::delete(delete::<S>))
        .route("/orders/{id}/{verb}", post(change::<S>))
        .with_state(Machine { storage, max })
}

async fn list<S: Storage>(State(machine): State<Machine<S>>) -> Answer<Vec<Order>> {
    Ok(Json(machine.storage.orders().await?))
}

async fn create<S: Storage>(
    State(machine): State<Machine<S>>,
) -> Result<(StatusCode, Json<Order>), Refusal> {
    let Machine { storage, max } = machine;
    let id = 1 + storage.orders().await?.last().map_or(0, |order| order.id);
    if id > max || !storage.add(id).await? {
        return Err(Refusal::Conflict(format!("{max} orders exist at most")));
    }
    let order = storage.order(id).await?.ok_or_else(|| no_order(id))?;
    Ok((StatusCode::CREATED, Json(order)))
}

async fn change<S: Storage>(
    State(machine): State<Machine<S>>,
    Path((id, verb)): Path<(i64, String)>,
) -> Answer<Order> {
    let was = machine.storage.order(id).await?;
    let was = was.ok_or_else(|| no_order(id))?;
    let refused = || Refusal::Conflict(format!("order {id} is {}: no {verb}", was.status));
    let becomes = was.after(&verb).ok_or_else(refused)?;
    if !machine.storage.replace(&was, &becomes).await? {
        return Err(Refusal::Conflict(format!("order {id} has just changed")));
    }
    Ok(Json(becomes))
}

async fn delete<S: Storage>(
    State(machine): State<Machine<S>>,
    Id(id): Id,
) -> Result<StatusCode, Refusal> {
    if !machine.storage.remove(id).await? {
        return Err(no_order(id));
    }
    Ok(StatusCode::NO_CONTENT)
}

fn no_order(id: i64) -> Refusal {
    Refusal::NotFound(format!("there is no order {id}"))
}
