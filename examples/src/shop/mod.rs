//! `shop`: an API over PostgreSQL, with a cache in Redis and a [payment gateway](crate::gateway), right by default, wrong on request.
//!
//! It is a server like any other and knows nothing of VenomQA: it keeps a pool of connections open, and commits. It sells one product,
//! lamps for 100 apiece of which it has one, and a subscription at 10 a period.
//!
//! # Environment
//!
//! | variable | default | meaning |
//! |---|---|---|
//! | `PORT` | 0 | port on 127.0.0.1; 0 takes a free one, which the first line on stdout names |
//! | `DATABASE_URL` | | PostgreSQL; the tables are made if they are missing |
//! | `REDIS_URL` | | the cache |
//! | `GATEWAY_URL` | | the payment gateway |
//! | `SHOP_BUGS` | none | bugs to switch on, separated by commas |
//!
//! # Endpoints
//!
//! | request | answer | refusals |
//! |---|---|---|
//! | `GET /health` | 200 | |
//! | `GET /products/{id}` | 200 `{"id": 1, "name": "lamp", "price": 100, "stock": 1}`, from the cache if it is there | 404 |
//! | `DELETE /products/{id}` | 204 | 404; 409 while an order is open |
//! | `POST /orders` `{"product": 1}` | 201 order: `placed` | 404; 409 when sold out |
//! | `GET /orders` | 200 list of orders, by id | |
//! | `POST /orders/{id}/pay` with the header `Idempotency-Key` | 200 payment: `placed` becomes `paid`; a retry with the same key answers the same | 404, 409, 422 |
//! | `POST /orders/{id}/cancel` | 200 order: `placed` becomes `cancelled`, `paid` becomes `refunded`; a retry changes nothing | 404 |
//! | `POST /orders/{id}/reorder` | 200 order: `cancelled` becomes `placed` | 404; 409 when sold out |
//! | `POST /subscriptions` | 201 subscription `{"id": 1, "period": 1, "ends_after": null}`, its first period charged | 409 if there is one |
//! | `GET /subscriptions` | 200 list of subscriptions, by id | |
//! | `POST /subscriptions/{id}/cancel` | 200 subscription: ends after the current period | 404, 409 |
//! | `POST /billing` | 200 `{"renewed": 1}`: what has not ended goes into its next period, and is charged | |
//! | `GET /stats` | 200 `{"open_orders": 1}`: how many are `placed` or `paid`, as counted in Redis | |
//!
//! # Rules and bugs
//!
//! What must hold at any time, and the bug that breaks it, each at the end of this sequence at the soonest and with all other rules
//! intact.
//!
//! | bug | shortest sequence | breaks the rule |
//! |---|---|---|
//! | `stale_cache` | read the product, delete it | a deleted product is gone: 404 |
//! | `ignored_key` | place an order, pay it, retry the payment | the gateway charges each order and each period once |
//! | `late_renewal` | subscribe, cancel, bill | nothing is renewed after the period in which it was cancelled |
//! | `oversold` | place an order, cancel it, place another, reorder the first | the stock is never negative |
//! | `miscounted` | place an order, cancel it, cancel it again | the count in Redis is the count of the rows in PostgreSQL |

mod api;
mod bugs;
mod cache;
mod order;
mod payment;
mod product;
mod provider;
mod store;
mod subscription;

use std::process::ExitCode;

use venomqa::demo::serve;

pub use bugs::Bug;

use crate::server::{StartError, number};

/// Runs the shop as the environment says until it is told to stop: the whole `main` of the binary.
pub fn run() -> ExitCode {
    serve::run("shop", async {
        let shop = store::Shop::from_env().await?;
        serve::serve(number("PORT", 0)?, api::router(shop)).await?;
        Ok::<_, StartError>(())
    })
}
