//! Each database that goes over a network is followed over an encrypted connection.
//! `cargo test -p venomqa-tests --features live,tls --test tls`
#![cfg(unix)]

use sqlx::{Connection, PgConnection};
use venomqa_adapters::{MySqlAdapter, PostgresAdapter, RedisAdapter, Result, System};
use venomqa_tests::servers::{MariaDb, Postgres, Redis};

/// Changes something and takes it back.
async fn goes_back(system: &dyn System, change: impl AsyncFnOnce() -> Result<()>) -> Result<()> {
    let root = system.begin(&mut |_, _| {}).await?.checkpoint;
    change().await?;
    assert_eq!(system.changes().await?.len(), 1);
    system.seal().await?;
    assert_eq!(system.restore(root).await?, []);
    assert_eq!(system.changes().await?, []);
    system.close().await
}

#[tokio::test]
async fn postgres_is_followed_over_tls() -> Result<()> {
    let server = Postgres::encrypted();
    let mut beside = PgConnection::connect(&server.url("postgres"))
        .await
        .unwrap();
    sqlx::raw_sql("CREATE DATABASE venomqa_tls")
        .execute(&mut beside)
        .await
        .unwrap();
    let adapter =
        PostgresAdapter::connect(&(server.url("venomqa_tls") + "?sslmode=require")).await?;
    adapter
        .execute("CREATE TABLE orders (id int PRIMARY KEY)", ())
        .await?;
    goes_back(&adapter, async || {
        adapter.execute("INSERT INTO orders VALUES (1)", ()).await?;
        let all =
            "SELECT bool_and(ssl) AS encrypted FROM pg_stat_ssl JOIN pg_stat_activity USING (pid)
            WHERE application_name LIKE 'venomqa%'";
        assert!(adapter.query(all, ()).await?[0].get::<bool>("encrypted")?);
        Ok(())
    })
    .await
}

#[tokio::test]
async fn mysql_is_followed_over_tls() -> Result<()> {
    let server = MariaDb::encrypted();
    let url = server.url("venomqa_tls") + "?require_ssl=true&verify_ca=false&verify_identity=false";
    let mut beside = mysql_async::Conn::from_url(server.url("")).await.unwrap();
    mysql_async::prelude::Queryable::query_drop(
        &mut beside,
        "CREATE DATABASE venomqa_tls; SET GLOBAL require_secure_transport = ON",
    )
    .await
    .unwrap();
    let adapter = MySqlAdapter::connect(&url).await?;
    adapter
        .execute("CREATE TABLE orders (id int PRIMARY KEY)", ())
        .await?;
    goes_back(&adapter, async || {
        adapter
            .execute("INSERT INTO orders VALUES (1)", ())
            .await
            .map(drop)
    })
    .await
}

#[tokio::test]
async fn redis_is_followed_over_tls() -> Result<()> {
    let server = Redis::encrypted();
    let url = server.url(0).replace("redis://", "rediss://") + "#insecure";
    let adapter = RedisAdapter::connect(&url).await?;
    goes_back(&adapter, async || adapter.set("order", 1).await).await
}
