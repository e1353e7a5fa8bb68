use axum::extract::State;
use axum::extract::rejection::JsonRejection;
use axum::http::StatusCode;
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::Deserialize;

use super::account::Account;
use super::store::Wallet;
use super::transfer::{NewTransfer, Transfer};
use crate::server::{Answer, Id, Refusal};

pub(super) fn router(wallet: Wallet) -> Router {
    Router::new()
        .route("/health", get(async || "fine"))
        .route("/accounts/{id}", get(account))
        .route("/accounts/{id}/deposit", post(deposit))
        .route("/accounts/{id}/withdraw", post(withdraw))
        .route("/accounts/{id}/freeze", post(freeze))
        .route("/accounts/{id}/unfreeze", post(unfreeze))
        .route("/accounts/{id}/close", post(close))
        .route("/transfers", post(transfer))
        .route("/transfers/{id}/reverse", post(reverse))
        .with_state(wallet)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Money {
    amount: i64,
}

type Body<T> = Result<Json<T>, JsonRejection>;

async fn account(State(wallet): State<Wallet>, Id(id): Id) -> Answer<Account> {
    Ok(Json(wallet.account(id).await?))
}

async fn deposit(State(wallet): State<Wallet>, Id(id): Id, body: Body<Money>) -> Answer<Account> {
    let amount = checked(body?.amount)?;
    Ok(Json(wallet.deposit(id, amount).await?))
}

async fn withdraw(State(wallet): State<Wallet>, Id(id): Id, body: Body<Money>) -> Answer<Account> {
    let amount = checked(body?.amount)?;
    Ok(Json(wallet.withdraw(id, amount).await?))
}

async fn freeze(State(wallet): State<Wallet>, Id(id): Id) -> Answer<Account> {
    Ok(Json(wallet.freeze(id).await?))
}

async fn unfreeze(State(wallet): State<Wallet>, Id(id): Id) -> Answer<Account> {
    Ok(Json(wallet.unfreeze(id).await?))
}

async fn close(State(wallet): State<Wallet>, Id(id): Id) -> Answer<Account> {
    Ok(Json(wallet.close(id).await?))
}

async fn transfer(
    State(wallet): State<Wallet>,
    body: Body<NewTransfer>,
) -> Result<(StatusCode, Json<Transfer>), Refusal> {
    let Json(new) = body?;
    checked(new.amount)?;
    Ok((StatusCode::CREATED, Json(wallet.transfer(new).await?)))
}

async fn reverse(State(wallet): State<Wallet>, Id(id): Id) -> Answer<Transfer> {
    Ok(Json(wallet.reverse(id).await?))
}

fn checked(amount: i64) -> Result<i64, Refusal> {
    if (1..=1_000_000).contains(&amount) {
        return Ok(amount);
    }
    let message = format!("amount must be from 1 to 1000000, and is {amount}");
    Err(Refusal::Unprocessable(message))
}
