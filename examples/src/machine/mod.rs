//! `machine`: the [orders machine](crate::orders_machine) as an API whose orders are in PostgreSQL, MySQL, MariaDB or Redis.
//!
//! | variable | default | meaning |
//! |---|---|---|
//! | `PORT` | 0 | port on 127.0.0.1; 0 takes a free one, which the first line on stdout names |
//! | `STORAGE_URL` | | `postgres://…`, `mysql://…` or `redis://…`; tables are made if they are missing |
//! | `ORDERS_MAX` | 3 | so many orders exist at most |
//!
//! | request | answer | refusals |
//! |---|---|---|
//! | `GET /health` | 200 | |
//! | `POST /orders` | 201 order `{"id": 1, "status": "new", "paid": 0, "refunded": 0}` | 409 |
//! | `GET /orders` | 200 list of orders, by id | |
//! | `POST /orders/{id}/pay`, `ship`, `refund`, `cancel` | 200 order | 404, 409 |
//! | `DELETE /orders/{id}` | 204 | 404 |

mod api;
mod mysql;
mod postgres;
mod redis;
mod storage;

use std::process::ExitCode;
use std::sync::Arc;

use axum::Router;
use venomqa::demo::serve;
use venomqa::prelude::{MySqlAdapter, PostgresAdapter};

use crate::server::{StartError, number, required};

/// Runs the server as the environment says until it is told to stop: the whole `main` of the binary.
pub fn run() -> ExitCode {
    serve::run("machine", async {
        let url = required("STORAGE_URL", "postgres://postgres@127.0.0.1/machine")?;
        let max = number("ORDERS_MAX", 3)?;
        let app = match url.split_once(':').map(|(scheme, _)| scheme) {
            Some("mysql") => api::router(mysql::Orders::open(&url).await?, max),
            Some("redis") => api::router(redis::Orders::open(&url, max).await?, max),
            _ => api::router(postgres::Orders::open(&url).await?, max),
        };
        serve::serve(number("PORT", 0)?, app).await?;
        Ok::<_, StartError>(())
    })
}

/// The API in this process, on the connection that the adapter lends it.
///
/// # Errors
///
/// The adapter lends none, or the table cannot be made.
pub async fn on_postgres(db: Arc<PostgresAdapter>, max: i64) -> Result<Router, StartError> {
    Ok(api::router(postgres::Orders::lent(db).await?, max))
}

/// The API in this process, on the connection that the adapter lends it.
///
/// # Errors
///
/// The adapter lends none, or the table cannot be made.
pub async fn on_mysql(db: Arc<MySqlAdapter>, max: i64) -> Result<Router, StartError> {
    Ok(api::router(mysql::Orders::lent(db).await?, max))
}
