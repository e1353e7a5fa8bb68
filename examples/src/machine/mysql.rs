use std::ops::DerefMut;
use std::sync::Arc;

use mysql_async::prelude::Queryable;
use mysql_async::{Conn, Opts, OptsBuilder, Pool, PoolConstraints, PoolOpts};
use venomqa::prelude::MySqlAdapter;

use super::storage::{Order, Storage};
use crate::server::{Failure, Refusal, StartError};

/// A connection for one request.
type Lent = Box<dyn DerefMut<Target = Conn> + Send>;

/// Orders in a table of MySQL or MariaDB.
#[derive(Debug, Clone)]
pub(super) enum Orders {
    Pool(Pool),
    /// All on the connection that an explorer lends.
    Lent(Arc<MySqlAdapter>),
}

impl Orders {
    pub(super) async fn open(url: &str) -> Result<Self, StartError> {
        let size = PoolConstraints::new(1, 4).unwrap_or_default();
        let options = PoolOpts::new().with_constraints(size);
        let url = Opts::from_url(url).map_err(StartError::of("the database"))?;
        let pool = Pool::new(OptsBuilder::from_opts(url).pool_opts(options));
        Self::Pool(pool).make().await
    }

    pub(super) async fn lent(db: Arc<MySqlAdapter>) -> Result<Self, StartError> {
        Self::Lent(db).make().await
    }

    /// Makes the table, unless it is there.
    async fn make(self) -> Result<Self, StartError> {
        let create = "CREATE TABLE IF NOT EXISTS orders (id BIGINT PRIMARY KEY, status VARCHAR(10) NOT NULL DEFAULT 'new', \
                      paid BIGINT NOT NULL DEFAULT 0, refunded BIGINT NOT NULL DEFAULT 0)";
        let made = async { Ok::<_, Failure>(self.db().await?.query_drop(create).await?) };
        made.await.map_err(StartError::of("the database"))?;
        Ok(self)
    }

    async fn db(&self) -> Result<Lent, Failure> {
        Ok(match self {
            Self::Pool(pool) => Box::new(Box::new(pool.get_conn().await?)),
            Self::Lent(adapter) => Box::new(adapter.connection().await?),
        })
    }
}

impl Storage for Orders {
    async fn orders(&self) -> Result<Vec<Order>, Refusal> {
        let mut db = self.db().await?;
        let select = "SELECT id, status, paid, refunded FROM orders ORDER BY id";
        Ok(db.exec_map(select, (), order).await?)
    }

    async fn order(&self, id: i64) -> Result<Option<Order>, Refusal> {
        let mut db = self.db().await?;
        let select = "SELECT id, status, paid, refunded FROM orders WHERE id = ?";
        Ok(db.exec_first(select, (id,)).await?.map(order))
    }

    async fn add(&self, id: i64) -> Result<bool, Refusal> {
        let mut db = self.db().await?;
        let insert = "INSERT IGNORE INTO orders (id) VALUES (?)";
        Ok(db.exec_iter(insert, (id,)).await?.affected_rows() == 1)
    }

    async fn replace(&self, was: &Order, becomes: &Order) -> Result<bool, Refusal> {
        let mut db = self.db().await?;
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
        let mut db = self.db().await?;
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
