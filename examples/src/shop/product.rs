use serde::{Deserialize, Serialize};

use super::bugs::Bug;
use super::store::Shop;
use crate::server::Refusal;

#[derive(Debug, Serialize, Deserialize, sqlx::FromRow)]
pub(super) struct Product {
    pub(super) id: i64,
    name: String,
    price: i64,
    stock: i64,
}

impl Shop {
    pub(super) async fn product(&self, id: i64) -> Result<Product, Refusal> {
        if let Some(product) = self.cache.product(id).await? {
            return Ok(product);
        }
        let product: Option<Product> =
            sqlx::query_as("SELECT id, name, price, stock FROM products WHERE id = $1")
                .bind(id)
                .fetch_optional(&self.db)
                .await?;
        let product = product.ok_or_else(|| no_product(id))?;
        self.cache.keep(&product).await?;
        Ok(product)
    }

    pub(super) async fn delete_product(&self, id: i64) -> Result<(), Refusal> {
        let mut tx = self.db.begin().await?;
        let open: i64 = sqlx::query_scalar(
            "SELECT count(*) FROM orders WHERE product_id = $1 AND status IN ('placed', 'paid')",
        )
        .bind(id)
        .fetch_one(&mut *tx)
        .await?;
        if open > 0 {
            let message = format!("product {id} is in {open} open orders");
            return Err(Refusal::Conflict(message));
        }
        let deleted = sqlx::query("DELETE FROM products WHERE id = $1")
            .bind(id)
            .execute(&mut *tx)
            .await?;
        if deleted.rows_affected() == 0 {
            return Err(no_product(id));
        }
        tx.commit().await?;
        if !self.bugs.has(Bug::StaleCache) {
            self.cache.forget_product(id).await?;
        }
        Ok(())
    }
}

pub(super) fn no_product(id: i64) -> Refusal {
    Refusal::NotFound(format!("there is no product {id}"))
}
