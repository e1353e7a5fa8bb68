use std::time::Duration;

use sqlx::postgres::{PgPool, PgPoolOptions};

use super::bugs::Bug;
use super::cache::Cache;
use super::provider::Provider;
use crate::server::{Bugs, StartError, required, variable};

/// The stock is kept from below zero by the code, not by the schema: a schema cannot be switched to be wrong.
const SCHEMA: &str = "
    CREATE TABLE products (
        id    bigint PRIMARY KEY,
        name  text   NOT NULL,
        price bigint NOT NULL,
        stock bigint NOT NULL
    );
    CREATE TABLE orders (
        id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        product_id bigint NOT NULL,
        status     text   NOT NULL DEFAULT 'placed'
    );
    CREATE TABLE payments (
        idempotency_key text   PRIMARY KEY,
        order_id        bigint NOT NULL REFERENCES orders (id),
        amount          bigint NOT NULL,
        charge_id       bigint NOT NULL
    );
    CREATE TABLE subscriptions (
        id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        period     bigint NOT NULL DEFAULT 1,
        ends_after bigint
    );
";

/// What the handlers share: the databases, the gateway, and how the shop is run. What it sells and to whom are methods beside the types of
/// these things.
#[derive(Debug, Clone)]
pub(super) struct Shop {
    pub(super) db: PgPool,
    pub(super) cache: Cache,
    pub(super) provider: Provider,
    pub(super) bugs: Bugs<Bug>,
}

impl Shop {
    pub(super) async fn from_env() -> Result<Self, StartError> {
        let bugs = variable("SHOP_BUGS").unwrap_or_default().parse()?;
        let db = required("DATABASE_URL", "postgres://postgres@127.0.0.1/shop")?;
        let cache = required("REDIS_URL", "redis://127.0.0.1/0")?;
        let provider = required("GATEWAY_URL", "http://127.0.0.1:8080")?;
        let shop = Self {
            db: connect(&db).await.map_err(StartError::of("PostgreSQL"))?,
            cache: Cache::connect(&cache)
                .await
                .map_err(StartError::of("Redis"))?,
            provider: Provider::at(provider).map_err(StartError::of("the gateway"))?,
            bugs,
        };
        let open = shop.count_open_orders().await;
        let open = open.map_err(StartError::of("PostgreSQL"))?;
        let counted = shop.cache.count_from(open).await;
        counted.map_err(StartError::of("Redis"))?;
        Ok(shop)
    }
}

async fn connect(url: &str) -> sqlx::Result<PgPool> {
    let db = PgPoolOptions::new()
        .min_connections(2)
        .max_connections(4)
        .acquire_timeout(Duration::from_secs(5))
        .connect(url)
        .await?;
    let made: bool = sqlx::query_scalar("SELECT to_regclass('products') IS NOT NULL")
        .fetch_one(&db)
        .await?;
    if !made {
        let mut tx = db.begin().await?;
        sqlx::raw_sql(SCHEMA).execute(&mut *tx).await?;
        sqlx::query("INSERT INTO products VALUES (1, 'lamp', 100, 1)")
            .execute(&mut *tx)
            .await?;
        tx.commit().await?;
    }
    Ok(db)
}
