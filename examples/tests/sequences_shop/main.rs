//! Every sequence of calls to the `shop` server, up to four calls long, with its PostgreSQL database, its cache in Redis and the log of
//! its payment gateway rolled back together.
//!
//! Green as it stands. `SHOP_BUGS=ignored_key cargo test --features live --test sequences_shop` switches a bug on and makes it red.

mod actions;
mod rules;

use std::sync::LazyLock;

use venomqa::adapters::RedisOptions;
use venomqa::prelude::*;
use venomqa_examples::databases;
use venomqa_tests::servers::{Postgres, Redis};

static POSTGRES: LazyLock<Postgres> = LazyLock::new(Postgres::start);
static REDIS: LazyLock<Redis> = LazyLock::new(Redis::start);

/// A shop with a customer who pays through a gateway, which is a process of its own.
#[exploration(max_depth = 4)]
async fn shop() -> Result<World> {
    // Several runs at a time need several databases.
    let run: u32 = std::env::var("SHOP_RUN").map_or(0, |run| run.parse().unwrap_or(0));
    let database = POSTGRES.url(&format!("venomqa_shop_{run}"));
    databases::make_postgres(&database)
        .await
        .map_err(|error| Error::set_up(error.to_string()))?;
    let redis = REDIS.url(run % 16);
    let file = format!("{}/gateway_{run}.db", env!("CARGO_TARGET_TMPDIR"));

    let db = PostgresAdapter::connect(&database).await?;
    let cache = RedisOptions::from_url(&redis)?.state_folder(REDIS.folder());
    let cache = cache.connect().await?;
    let log = SqliteAdapter::open(&file).await?;

    let mut gateway = Command::new(env!("CARGO_BIN_EXE_gateway"));
    let gateway = Server::spawn(gateway.env("DATABASE_PATH", &file))
        .ready_when("/health")
        .await?;
    let mut shop = Command::new(env!("CARGO_BIN_EXE_shop"));
    shop.env("DATABASE_URL", &database)
        .env("REDIS_URL", &redis)
        .env("GATEWAY_URL", gateway.url());
    let shop = Server::spawn(shop).ready_when("/health").await?;

    Ok(World::new(shop.client())
        .with("db", db)
        .with("cache", cache)
        .with("gateway", log)
        .with_named_server("gateway", gateway)
        .with_named_server("shop", shop))
}

venomqa::main!();
