use serde::Serialize;
use sqlx::{PgConnection, PgTransaction};

use super::bugs::Bug;
use super::product::no_product;
use super::store::Shop;
use crate::server::Refusal;

#[derive(Debug, Serialize, sqlx::FromRow)]
pub(super) struct Order {
    pub(super) id: i64,
    #[sqlx(rename = "product_id")]
    product: i64,
    pub(super) status: String,
}

impl Shop {
    pub(super) async fn orders(&self) -> Result<Vec<Order>, Refusal> {
        let orders = sqlx::query_as("SELECT id, product_id, status FROM orders ORDER BY id");
        Ok(orders.fetch_all(&self.db).await?)
    }

    pub(super) async fn count_open_orders(&self) -> sqlx::Result<i64> {
        sqlx::query_scalar("SELECT count(*) FROM orders WHERE status IN ('placed', 'paid')")
            .fetch_one(&self.db)
            .await
    }

    pub(super) async fn place(&self, product: i64) -> Result<Order, Refusal> {
        let mut tx = self.db.begin().await?;
        let known: bool = sqlx::query_scalar("SELECT EXISTS (SELECT FROM products WHERE id = $1)")
            .bind(product)
            .fetch_one(&mut *tx)
            .await?;
        if !known {
            return Err(no_product(product));
        }
        let taken =
            sqlx::query("UPDATE products SET stock = stock - 1 WHERE id = $1 AND stock > 0")
                .bind(product)
                .execute(&mut *tx)
                .await?;
        if taken.rows_affected() == 0 {
            return Err(sold_out(product));
        }
        let order = sqlx::query_as(
            "INSERT INTO orders (product_id) VALUES ($1) RETURNING id, product_id, status",
        )
        .bind(product)
        .fetch_one(&mut *tx)
        .await?;
        tx.commit().await?;
        self.opened(product).await?;
        Ok(order)
    }

    pub(super) async fn cancel(&self, id: i64) -> Result<Order, Refusal> {
        let mut tx = self.db.begin().await?;
        let mut order = locked(&mut tx, id).await?;
        let becomes = match &*order.status {
            "placed" => "cancelled",
            "paid" => "refunded",
            // A retry.
            _ => {
                if self.bugs.has(Bug::Miscounted) {
                    self.cache.count_closed().await?;
                }
                return Ok(order);
            }
        };
        if becomes == "refunded" {
            self.refund(&mut tx, id).await?;
        }
        set_status(&mut tx, &mut order, becomes).await?;
        sqlx::query("UPDATE products SET stock = stock + 1 WHERE id = $1")
            .bind(order.product)
            .execute(&mut *tx)
            .await?;
        tx.commit().await?;
        self.cache.forget_product(order.product).await?;
        self.cache.count_closed().await?;
        Ok(order)
    }

    pub(super) async fn reorder(&self, id: i64) -> Result<Order, Refusal> {
        let mut tx = self.db.begin().await?;
        let mut order = locked(&mut tx, id).await?;
        if order.status != "cancelled" {
            let message = format!("order {id} is {}, not cancelled", order.status);
            return Err(Refusal::Conflict(message));
        }
        let take = if self.bugs.has(Bug::Oversold) {
            "UPDATE products SET stock = stock - 1 WHERE id = $1"
        } else {
            "UPDATE products SET stock = stock - 1 WHERE id = $1 AND stock > 0"
        };
        let taken = sqlx::query(take)
            .bind(order.product)
            .execute(&mut *tx)
            .await?;
        if taken.rows_affected() == 0 {
            return Err(sold_out(order.product));
        }
        set_status(&mut tx, &mut order, "placed").await?;
        tx.commit().await?;
        self.opened(order.product).await?;
        Ok(order)
    }

    async fn opened(&self, product: i64) -> Result<(), Refusal> {
        self.cache.forget_product(product).await?;
        Ok(self.cache.count_opened().await?)
    }
}

/// The order, which nobody else changes until the transaction ends.
pub(super) async fn locked(tx: &mut PgTransaction<'_>, id: i64) -> Result<Order, Refusal> {
    let order =
        sqlx::query_as("SELECT id, product_id, status FROM orders WHERE id = $1 FOR UPDATE")
            .bind(id)
            .fetch_optional(&mut **tx)
            .await?;
    order.ok_or_else(|| Refusal::NotFound(format!("there is no order {id}")))
}

pub(super) async fn set_status(
    db: &mut PgConnection,
    order: &mut Order,
    status: &str,
) -> sqlx::Result<()> {
    sqlx::query("UPDATE orders SET status = $2 WHERE id = $1")
        .bind(order.id)
        .bind(status)
        .execute(db)
        .await?;
    order.status = status.to_owned();
    Ok(())
}

fn sold_out(product: i64) -> Refusal {
    Refusal::Conflict(format!("product {product} is sold out"))
}
