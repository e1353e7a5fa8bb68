use serde::Serialize;
use sqlx::PgTransaction;

use super::bugs::Bug;
use super::order::{locked, set_status};
use super::store::Shop;
use crate::server::Refusal;

/// What an order costs.
const PRICE: i64 = 100;

#[derive(Debug, Serialize, sqlx::FromRow)]
pub(super) struct Payment {
    order_id: i64,
    amount: i64,
    charge_id: i64,
}

impl Shop {
    pub(super) async fn pay(&self, id: i64, key: &str) -> Result<Payment, Refusal> {
        let mut tx = self.db.begin().await?;
        let mut order = locked(&mut tx, id).await?;
        let reference = format!("order {id}");
        let before: Option<Payment> = sqlx::query_as(
            "SELECT order_id, amount, charge_id FROM payments WHERE idempotency_key = $1",
        )
        .bind(key)
        .fetch_optional(&mut *tx)
        .await?;
        if let Some(before) = before {
            if before.order_id != id {
                let message = "the Idempotency-Key belongs to a payment of another order";
                return Err(Refusal::Unprocessable(message.to_owned()));
            }
            if self.bugs.has(Bug::IgnoredKey) {
                self.provider.charge(&reference, PRICE).await?;
            }
            return Ok(before);
        }
        if order.status != "placed" {
            let message = format!("order {id} is {}: it cannot be paid", order.status);
            return Err(Refusal::Conflict(message));
        }
        let payment = sqlx::query_as(
            "INSERT INTO payments (idempotency_key, order_id, amount, charge_id) VALUES ($1, $2, $3, $4)
             RETURNING order_id, amount, charge_id",
        )
        .bind(key)
        .bind(id)
        .bind(PRICE)
        .bind(self.provider.charge(&reference, PRICE).await?)
        .fetch_one(&mut *tx)
        .await?;
        set_status(&mut tx, &mut order, "paid").await?;
        tx.commit().await?;
        Ok(payment)
    }

    /// Gives back what was paid for an order.
    pub(super) async fn refund(&self, tx: &mut PgTransaction<'_>, id: i64) -> Result<(), Refusal> {
        let charge = sqlx::query_scalar("SELECT charge_id FROM payments WHERE order_id = $1")
            .bind(id)
            .fetch_one(&mut **tx)
            .await?;
        self.provider.refund(charge).await
    }
}
