use mysql_async::prelude::Queryable;
use mysql_async::{Opts, OptsBuilder, Pool, PoolConstraints, PoolOpts};

use super::storage::{Order, Storage};
use crate::server::{Refusal, StartError};

/// Orders in a table of MySQL or MariaDB.
#[derive(Debug, Clone)]
pub(super) struct Orders(Pool);

impl Orders {
    pub(super) async fn open(url: &str) -> Result<Self, StartError> {
        Self::connect(url)
            .await
            .map_err(StartError::of("the database"))
    }

    async fn connect(url: &str) -> mysql_async::Result<Self> {
        let size = PoolConstraints::new(1, 4).unwrap_or_default();
        let options = PoolOpts::new().with_constraints(size);
        let options = OptsBuilder::from_opts(Opts::from_url(url)?).pool_opts(options);
        let pool = Pool::new(options);
        let create = "CREATE TABLE IF NOT EXISTS orders (id BIGINT PRIMARY KEY, status VARCHAR(10) NOT NULL DEFAULT 'new', \
                      paid BIGINT NOT NULL DEFAULT 0, refunded BIGINT NOT NULL DEFAULT 0)";
        pool.get_conn().await?.query_drop(create).await?;
        Ok(Self(pool))
    }
}

impl Storage for Orders {
    async fn orders(&self) -> Result<Vec<Order>, Refusal> {
        let mut db = self.0.get_conn().await?;
        let select = "SELECT id, status, paid, refunded FROM orders ORDER BY id";
        Ok(db.exec_map(select, (), order).await?)
    }

    async fn order(&self, id: i64) -> Result<Option<Order>, Refusal> {
        let mut db = self.0.get_conn().await?;
        let select = "SELECT id, status, paid, refunded FROM orders WHERE id = ?";
        Ok(db.exec_first(select, (id,)).await?.map(order))
    }

    async fn add(&self, id: i64) -> Result<bool, Refusal> {
        let mut db = self.0.get_conn().await?;
        let insert = "INSERT IGNORE INTO orders (id) VALUES (?)";
        Ok(db.exec_iter(insert, (id,)).await?.affected_rows() == 1)
    }

    async fn replace(&self, was: &Order, becomes: &Order) -> Result<bool, Refusal> {
        let mut db = self.0.get_conn().await?;
        let update =
            "UPDATE orders SET status = ?, paid = ?, refunded = ? WHERE id = ? AND status = ?";
        let values = (
            &becomes.status,
            becomes.paid,
            becomes.refunded,
            was.id,
            &was.status,
        );
        Ok(db.exec_iter(update, values).await?.affected_rows() == 1)
    }

    async fn remove(&self, id: i64) -> Result<bool, Refusal> {
        let mut db = self.0.get_conn().await?;
        let delete = "DELETE FROM orders WHERE id = ?";
        Ok(db.exec_iter(delete, (id,)).await?.affected_rows() == 1)
    }
}

fn order((id, status, paid, refunded): (i64, String, i64, i64)) -> Order {
    Order {
        id,
        status,
        paid,
        refunded,
    }
}
