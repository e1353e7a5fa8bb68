//! `gateway`: a payment provider that takes every charge, and keeps a log of them in a SQLite file.
//!
//! It does as it is told: who asks twice is charged twice, and the log proves it.
//!
//! | request | answer | refusals |
//! |---|---|---|
//! | `GET /health` | 200 | |
//! | `POST /charges` `{"reference": "order 1", "amount": 100}` | 201 charge | 400, 415, 422 |
//! | `POST /charges/{id}/refund` | 200 charge | 404, 409 |
//! | `GET /charges` | 200 list of charges, by id | |
//!
//! A charge is `{"id": 1, "reference": "order 1", "amount": 100, "refunded": false}`. The log is at `DATABASE_PATH`, by default
//! `gateway.db`; `PORT` is the port on 127.0.0.1, any free one by default.

mod api;
mod log;

use std::process::ExitCode;

use venomqa::demo::serve;

use crate::server::{StartError, number, variable};

/// Runs the gateway as the environment says until it is told to stop: the whole `main` of the binary.
pub fn run() -> ExitCode {
    serve::run("gateway", async {
        let file = variable("DATABASE_PATH").unwrap_or("gateway.db".into());
        let log = log::Log::open(&file).map_err(StartError::of("the log"))?;
        serve::serve(number("PORT", 0)?, api::router(log)).await?;
        Ok::<_, StartError>(())
    })
}
