//! The machine behind the [`machine`](crate::machine) server, with its orders in the database of a URL: PostgreSQL, MySQL, MariaDB or
//! Redis.

use std::path::Path;

use mysql_async::prelude::Queryable;
use venomqa::adapters::RedisOptions;
use venomqa::prelude::*;

use crate::databases;
use crate::server::Failure;

/// The server and its database. `program` is its binary, and `folder` is for what an adapter keeps outside of the database.
///
/// # Errors
///
/// The server does not start, or its database cannot be followed.
pub async fn world(program: &Path, url: &str, orders: u32, folder: &Path) -> Result<World> {
    match scheme(url) {
        "redis" => {
            let options = RedisOptions::from_url(url)?.state_folder(folder);
            around(options.connect().await?, program, url, orders).await
        }
        "mysql" => around(MySqlAdapter::connect(url).await?, program, url, orders).await,
        _ => around(PostgresAdapter::connect(url).await?, program, url, orders).await,
    }
}

async fn around(db: impl System, program: &Path, url: &str, orders: u32) -> Result<World> {
    let server = server(program, url, orders).await?;
    Ok(World::new(server.client())
        .with("db", db)
        .with_server(server))
}

/// The server alone.
///
/// # Errors
///
/// The server does not start.
pub async fn server(program: &Path, url: &str, orders: u32) -> Result<Server> {
    let mut command = Command::new(program);
    command
        .env("STORAGE_URL", url)
        .env("ORDERS_MAX", orders.to_string());
    Server::spawn(command).ready_when("/health").await
}

/// Makes the database of this URL anew, with so many rows or keys in it that have nothing to do with the orders.
///
/// # Errors
///
/// The database's server cannot be reached, or does not allow it.
pub async fn renew(url: &str, unrelated: u32) -> Result<(), Failure> {
    match scheme(url) {
        "redis" => {
            databases::empty_redis(url).await?;
            let mut db = redis::Client::open(url)?
                .get_multiplexed_async_connection()
                .await?;
            let mut set = redis::pipe();
            for n in 1..=unrelated {
                set.cmd("SET")
                    .arg(format!("unrelated:{n}"))
                    .arg(format!("row {n}"));
            }
            if unrelated > 0 {
                set.exec_async(&mut db).await?;
            }
        }
        "mysql" => {
            databases::remake_mysql(url).await?;
            let mut db = mysql_async::Conn::from_url(url).await?;
            db.query_drop("CREATE TABLE unrelated (id BIGINT PRIMARY KEY, text VARCHAR(20))")
                .await?;
            let rows: Vec<_> = (1..=unrelated)
                .map(|n| format!("({n}, 'row {n}')"))
                .collect();
            for rows in rows.chunks(10_000) {
                let insert = format!("INSERT INTO unrelated VALUES {}", rows.join(", "));
                db.query_drop(insert).await?;
            }
            db.disconnect().await?;
        }
        _ => {
            use sqlx::Connection;
            databases::remake_postgres(url).await?;
            let mut db = sqlx::PgConnection::connect(url).await?;
            sqlx::raw_sql("CREATE TABLE unrelated (id bigint PRIMARY KEY, text text)")
                .execute(&mut db)
                .await?;
            sqlx::query(
                "INSERT INTO unrelated SELECT n, 'row ' || n FROM generate_series(1, $1) n",
            )
            .bind(i64::from(unrelated))
            .execute(&mut db)
            .await?;
            db.close().await?;
        }
    }
    Ok(())
}

fn scheme(url: &str) -> &str {
    url.split(':').next().unwrap_or_default()
}
