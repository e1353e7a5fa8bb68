use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::extract::State;
use axum::extract::rejection::JsonRejection;
use axum::http::StatusCode;
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::Deserialize;

use super::log::{Charge, Log};
use crate::server::{Answer, Id, Refusal};

/// What the handlers share. They never hold the lock across an `await`.
#[derive(Debug, Clone)]
struct Gateway(Arc<Mutex<Log>>);

impl Gateway {
    fn log(&self) -> MutexGuard<'_, Log> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

pub(super) fn router(log: Log) -> Router {
    Router::new()
        .route("/health", get(async || "fine"))
        .route("/charges", get(list).post(charge))
        .route("/charges/{id}/refund", post(refund))
        .with_state(Gateway(Arc::new(Mutex::new(log))))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewCharge {
    reference: String,
    amount: i64,
}

async fn charge(
    State(gateway): State<Gateway>,
    body: Result<Json<NewCharge>, JsonRejection>,
) -> Result<(StatusCode, Json<Charge>), Refusal> {
    let Json(NewCharge { reference, amount }) = body?;
    if amount < 1 {
        let message = format!("amount must be at least 1, and is {amount}");
        return Err(Refusal::Unprocessable(message));
    }
    let charge = gateway.log().charge(&reference, amount)?;
    Ok((StatusCode::CREATED, Json(charge)))
}

async fn refund(State(gateway): State<Gateway>, Id(id): Id) -> Answer<Charge> {
    Ok(Json(gateway.log().refund(id)?))
}

async fn list(State(gateway): State<Gateway>) -> Answer<Vec<Charge>> {
    Ok(Json(gateway.log().charges()?))
}
