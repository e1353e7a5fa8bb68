use redis::aio::MultiplexedConnection;
use redis::{AsyncCommands, Client, RedisResult};

use super::product::Product;
use crate::server::Refusal;

/// How many orders are open.
const OPEN_ORDERS: &str = "orders:open";

/// What is kept in Redis: products that were read, and a count.
#[derive(Debug, Clone)]
pub(super) struct Cache(MultiplexedConnection);

impl Cache {
    pub(super) async fn connect(url: &str) -> RedisResult<Self> {
        let client = Client::open(url)?;
        Ok(Self(client.get_multiplexed_async_connection().await?))
    }

    pub(super) async fn product(&self, id: i64) -> Result<Option<Product>, Refusal> {
        let kept: Option<String> = self.0.clone().get(key(id)).await?;
        kept.map(|json| Ok(serde_json::from_str(&json)?))
            .transpose()
    }

    pub(super) async fn keep(&self, product: &Product) -> Result<(), Refusal> {
        let json = serde_json::to_string(product)?;
        Ok(self.0.clone().set(key(product.id), json).await?)
    }

    pub(super) async fn forget_product(&self, id: i64) -> RedisResult<()> {
        self.0.clone().del(key(id)).await
    }

    /// Starts the count of open orders, unless one is kept already.
    pub(super) async fn count_from(&self, orders: i64) -> RedisResult<()> {
        self.0.clone().set_nx(OPEN_ORDERS, orders).await
    }

    pub(super) async fn count_opened(&self) -> RedisResult<()> {
        self.0.clone().incr(OPEN_ORDERS, 1).await
    }

    pub(super) async fn count_closed(&self) -> RedisResult<()> {
        self.0.clone().decr(OPEN_ORDERS, 1).await
    }

    pub(super) async fn open_orders(&self) -> RedisResult<i64> {
        let count: Option<i64> = self.0.clone().get(OPEN_ORDERS).await?;
        Ok(count.unwrap_or(0))
    }
}

fn key(product: i64) -> String {
    format!("product:{product}")
}
