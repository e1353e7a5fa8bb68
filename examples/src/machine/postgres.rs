use std::ops::DerefMut;
use std::sync::Arc;

use sqlx::Row;
use sqlx::postgres::{PgConnection, PgPool, PgPoolOptions, PgRow};
use venomqa::prelude::PostgresAdapter;

use super::storage::{Order, Storage};
use crate::server::{Failure, Refusal, StartError};

/// A connection for one request.
type Lent = Box<dyn DerefMut<Target = PgConnection> + Send>;

/// Orders in a table of PostgreSQL.
#[derive(Debug, Clone)]
pub(super) enum Orders {
    Pool(PgPool),
    /// All on the connection that an explorer lends.
    Lent(Arc<PostgresAdapter>),
}

impl Orders {
    pub(super) async fn open(url: &str) -> Result<Self, StartError> {
        let pool = PgPoolOptions::new().max_connections(4).connect(url).await;
        let orders = Self::Pool(pool.map_err(StartError::of("PostgreSQL"))?);
        orders.make().await
    }

    pub(super) async fn lent(db: Arc<PostgresAdapter>) -> Result<Self, StartError> {
        Self::Lent(db).make().await
    }

    /// Makes the table, unless it is there.
    async fn make(self) -> Result<Self, StartError> {
        let made = async {
            let mut db = self.db().await?;
            let there: bool = sqlx::query_scalar("SELECT to_regclass('orders') IS NOT NULL")
                .fetch_one(&mut **db)
                .await?;
            if !there {
                let create = "CREATE TABLE orders (id bigint PRIMARY KEY, status text NOT NULL DEFAULT 'new', \
                              paid bigint NOT NULL DEFAULT 0, refunded bigint NOT NULL DEFAULT 0)";
                sqlx::query(create).execute(&mut **db).await?;
            }
            Ok::<_, Failure>(())
        };
        made.await.map_err(StartError::of("PostgreSQL"))?;
        Ok(self)
    }

    async fn db(&self) -> Result<Lent, Failure> {
        Ok(match self {
            Self::Pool(pool) => Box::new(pool.acquire().await?),
            Self::Lent(adapter) => Box::new(adapter.connection().await?),
        })
    }
}

impl Storage for Orders {
    async fn orders(&self) -> Result<Vec<Order>, Refusal> {
        let rows = sqlx::query("SELECT id, status, paid, refunded FROM orders ORDER BY id")
            .fetch_all(&mut **self.db().await?)
            .await?;
        Ok(rows.iter().map(order).collect::<sqlx::Result<_>>()?)
    }

    async fn order(&self, id: i64) -> Result<Option<Order>, Refusal> {
        let row = sqlx::query("SELECT id, status, paid, refunded FROM orders WHERE id = $1")
            .bind(id)
            .fetch_optional(&mut **self.db().await?)
            .await?;
        Ok(row.as_ref().map(order).transpose()?)
    }

    async fn add(&self, id: i64) -> Result<bool, Refusal> {
        let insert = sqlx::query("INSERT INTO orders (id) VALUES ($1) ON CONFLICT DO NOTHING");
        let done = insert.bind(id).execute(&mut **self.db().await?).await?;
        Ok(done.rows_affected() == 1)
    }

    async fn replace(&self, was: &Order, becomes: &Order) -> Result<bool, Refusal> {
        let done = sqlx::query(
            "UPDATE orders SET status = $3, paid = $4, refunded = $5 WHERE id = $1 AND status = $2",
        )
        .bind(was.id)
        .bind(&was.status)
        .bind(&becomes.status)
        .bind(becomes.paid)
        .bind(becomes.refunded)
        .execute(&mut **self.db().await?)
        .await?;
        Ok(done.rows_affected() == 1)
    }

    async fn remove(&self, id: i64) -> Result<bool, Refusal> {
        let delete = sqlx::query("DELETE FROM orders WHERE id = $1").bind(id);
        let done = delete.execute(&mut **self.db().await?).await?;
        Ok(done.rows_affected() == 1)
    }
}

fn order(row: &PgRow) -> sqlx::Result<Order> {
    Ok(Order {
        id: row.try_get(0)?,
        status: row.try_get(1)?,
        paid: row.try_get(2)?,
        refunded: row.try_get(3)?,
    })
}
