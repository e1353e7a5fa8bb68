//! Databases for tests, each of its own.

use std::str::FromStr;

use mysql_async::prelude::Queryable;
use mysql_async::{Conn, Opts, OptsBuilder};
use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection};

/// Makes the PostgreSQL database of this URL, unless it is there.
///
/// # Errors
///
/// The server cannot be reached, or does not allow it.
pub async fn make_postgres(url: &str) -> sqlx::Result<()> {
    let (mut server, name) = postgres(url).await?;
    let there: bool =
        sqlx::query_scalar("SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)")
            .bind(&name)
            .fetch_one(&mut server)
            .await?;
    if !there {
        create_postgres(&mut server, &name).await?;
    }
    server.close().await
}

/// Makes the PostgreSQL database of this URL, in the place of one that is there.
///
/// # Errors
///
/// The server cannot be reached, or does not allow it.
pub async fn remake_postgres(url: &str) -> sqlx::Result<()> {
    let (mut server, name) = postgres(url).await?;
    let drop = format!("DROP DATABASE IF EXISTS {}", quoted(&name, '"'));
    sqlx::raw_sql(AssertSqlSafe(drop))
        .execute(&mut server)
        .await?;
    create_postgres(&mut server, &name).await?;
    server.close().await
}

/// Makes the MySQL database of this URL, unless it is there.
///
/// # Errors
///
/// The server cannot be reached, or does not allow it.
pub async fn make_mysql(url: &str) -> mysql_async::Result<()> {
    let (mut server, name) = mysql(url).await?;
    let create = format!("CREATE DATABASE IF NOT EXISTS {name}");
    server.query_drop(create).await?;
    server.disconnect().await
}

/// Makes the MySQL database of this URL, in the place of one that is there.
///
/// # Errors
///
/// The server cannot be reached, or does not allow it.
pub async fn remake_mysql(url: &str) -> mysql_async::Result<()> {
    let (mut server, name) = mysql(url).await?;
    let drop = format!("DROP DATABASE IF EXISTS {name}");
    server.query_drop(drop).await?;
    let create = format!("CREATE DATABASE {name}");
    server.query_drop(create).await?;
    server.disconnect().await
}

/// Empties the Redis database of this URL.
///
/// # Errors
///
/// The server cannot be reached.
pub async fn empty_redis(url: &str) -> redis::RedisResult<()> {
    let client = redis::Client::open(url)?;
    let mut server = client.get_multiplexed_async_connection().await?;
    redis::cmd("FLUSHDB").query_async(&mut server).await
}

async fn postgres(url: &str) -> sqlx::Result<(PgConnection, String)> {
    let options = PgConnectOptions::from_str(url)?;
    let name = options.get_database().unwrap_or("postgres").to_owned();
    Ok((options.database("postgres").connect().await?, name))
}

async fn create_postgres(server: &mut PgConnection, name: &str) -> sqlx::Result<()> {
    let create = format!("CREATE DATABASE {}", quoted(name, '"'));
    sqlx::raw_sql(AssertSqlSafe(create)).execute(server).await?;
    Ok(())
}

/// A connection to the server, and the quoted name of the database.
async fn mysql(url: &str) -> mysql_async::Result<(Conn, String)> {
    let options = Opts::from_url(url)?;
    let name = quoted(options.db_name().unwrap_or_default(), '`');
    let server = OptsBuilder::from_opts(options).db_name(None::<String>);
    Ok((Conn::new(server).await?, name))
}

fn quoted(name: &str, quote: char) -> String {
    let inner = name.replace(quote, &format!("{quote}{quote}"));
    format!("{quote}{inner}{quote}")
}
