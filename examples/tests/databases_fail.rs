//! A database server that goes away in the middle of an exploration of several: what was found is kept, what can be put back is, and what
//! cannot is named.

use std::sync::{Arc, Mutex};

use libtest_mimic::{Arguments, Trial};
use sqlx::Connection;
use tempfile::TempDir;
use venomqa::adapters::RedisOptions;
use venomqa::prelude::*;
use venomqa::{Ended, Event, Exploration, IntoChecked};
use venomqa_examples::databases;
use venomqa_tests::servers::{Postgres, Redis};

fn main() {
    let arguments = Arguments::from_args();
    let trials = vec![
        Trial::test("a_cache_that_goes_away", || run(cache_goes_away())),
        Trial::test("a_database_that_goes_away", || run(database_goes_away())),
    ];
    libtest_mimic::run(&arguments, trials).exit()
}

fn run(test: impl Future<Output = ()>) -> std::result::Result<(), libtest_mimic::Failed> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()?;
    runtime.block_on(test);
    Ok(())
}

/// The shop, with the bug that charges twice, and servers that can be stopped.
struct Stand {
    postgres: Arc<Mutex<Postgres>>,
    redis: Arc<Mutex<Redis>>,
    database: String,
    cache: String,
    log: String,
    folder: TempDir,
}

impl Stand {
    async fn new() -> Self {
        let folder = TempDir::new().expect("a folder");
        let (postgres, redis) = (Postgres::own(&[]), Redis::own(&[]));
        let stand = Self {
            database: postgres.url("shop"),
            cache: redis.url(0),
            log: folder.path().join("gateway.db").display().to_string(),
            postgres: Arc::new(Mutex::new(postgres)),
            redis: Arc::new(Mutex::new(redis)),
            folder,
        };
        databases::make_postgres(&stand.database)
            .await
            .expect("a database");
        stand
    }

    /// Explores, and lets something happen as soon as the bug is found.
    async fn explore(&self, happens: impl Fn() + Send + Sync + 'static) -> Exploration {
        let db = PostgresAdapter::connect(&self.database).await;
        let cache = RedisOptions::from_url(&self.cache).expect("a URL");
        let cache = cache.state_folder(self.folder.path()).connect().await;
        let log = SqliteAdapter::open(&self.log).await;
        let mut gateway = Command::new(env!("CARGO_BIN_EXE_gateway"));
        let gateway = Server::spawn(gateway.env("DATABASE_PATH", &self.log));
        let gateway = gateway.ready_when("/health").await.expect("a gateway");
        let mut shop = Command::new(env!("CARGO_BIN_EXE_shop"));
        shop.env("DATABASE_URL", &self.database)
            .env("REDIS_URL", &self.cache)
            .env("GATEWAY_URL", gateway.url())
            .env("SHOP_BUGS", "ignored_key");
        let shop = Server::spawn(shop).ready_when("/health").await;
        let shop = shop.expect("a shop");
        let world = World::new(shop.client())
            .with("db", db.expect("it is there"))
            .with("cache", cache.expect("it is there"))
            .with("gateway", log.expect("it is there"))
            .with_named_server("gateway", gateway)
            .with_named_server("shop", shop);
        Agent::new(world)
            .action(Action::new("place_order", place_order))
            .action(Action::new("pay_order", pay_order))
            .invariant(charged_once())
            .observer(move |event| {
                if let Event::Broken { .. } = event {
                    happens();
                }
            })
            .explore()
            .await
            .expect("what was found is told")
    }

    /// The rows that a run must leave as they were. What the shop makes when it starts is there before.
    async fn rows(&self) -> Vec<(i64, i64)> {
        let mut db = sqlx::PgConnection::connect(&self.database)
            .await
            .expect("it answers");
        let rows = sqlx::query_as(
            "SELECT (SELECT count(*) FROM orders) + (SELECT count(*) FROM payments), stock FROM products",
        );
        rows.fetch_all(&mut db).await.expect("the shop's tables")
    }

    fn charges(&self) -> i64 {
        let log = rusqlite::Connection::open(&self.log).expect("the log");
        log.query_row("SELECT count(*) FROM charges", (), |row| row.get(0))
            .expect("a count")
    }
}

async fn place_order(api: &HttpClient, ctx: &mut Context) -> ActionResult {
    let placed = api.post("/orders").json(&json!({ "product": 1 }));
    let placed = placed.send().await?;
    if placed.is_success() {
        ctx.set("order_id", placed.json()?["id"].clone());
    }
    Ok(placed)
}

async fn pay_order(api: &HttpClient, ctx: &mut Context) -> ActionResult {
    let id: i64 = ctx.require("order_id")?;
    api.post(&format!("/orders/{id}/pay"))
        .header("Idempotency-Key", &format!("payment of order {id}"))
        .send()
        .await
}

/// The gateway charges each order once.
fn charged_once() -> Invariant {
    Invariant::of_parts("charged_once", |parts| {
        let world = parts.world();
        Box::pin(async move {
            let checked: Verdict = async {
                let log = world.system::<SqliteAdapter>(None)?;
                let twice = "SELECT reference FROM charges GROUP BY reference HAVING count(*) > 1";
                ensure!(log.query(twice, ()).await?.is_empty(), "charged twice");
                Ok(())
            }
            .await;
            checked.into_checked()
        })
    })
}

/// The bug was found before, and is told; it cannot be confirmed any more.
fn check(found: &Exploration, gone: &str) {
    let told = found.summary();
    let Ended::Error { message, .. } = &found.ended else {
        panic!("{told}");
    };
    assert!(message.contains(gone), "{message}");
    let [violation] = &*found.violations else {
        panic!("{told}");
    };
    assert_eq!(
        violation.path(),
        "place_order-pay_order-pay_order",
        "{told}"
    );
    assert!(!violation.is_confirmed(), "{told}");
}

async fn cache_goes_away() {
    let stand = Stand::new().await;
    let redis = stand.redis.clone();
    let found = stand
        .explore(move || redis.lock().expect("one thread").stop("KILL"))
        .await;
    check(&found, "cache");
    assert_eq!(stand.rows().await, [(0, 1)]);
    assert_eq!(stand.charges(), 0);
}

async fn database_goes_away() {
    let stand = Stand::new().await;
    let postgres = stand.postgres.clone();
    let found = stand
        .explore(move || postgres.lock().expect("one thread").stop("KILL"))
        .await;
    check(&found, "db");
    assert_eq!(stand.charges(), 0);
    stand.postgres.lock().expect("one thread").resume();
    PostgresAdapter::cleanup(&stand.database)
        .await
        .expect("it is put back");
    assert_eq!(stand.rows().await, [(0, 1)]);
}
