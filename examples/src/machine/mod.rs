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

use venomqa::demo::serve;

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
