//! `orders`: a small shop's API over a SQLite file, right by default, wrong on request.
//!
//! It is a server like any other and knows nothing of VenomQA. Start it, talk to it, and see each call do what it should;
//! then switch a bug on and find the sequence of calls that shows it.
//!
//! ```text
//! $ DATABASE_PATH=orders.db ORDERS_BUGS=double_refund orders
//! listening on http://127.0.0.1:40123
//! $ curl -H 'Authorization: Bearer alice-token' --json '{"amount":100}' http://127.0.0.1:40123/orders
//! {"id":1,"reference":null,"amount":100,"status":"paid","paid":100,"refunded":0}
//! ```
//!
//! # Environment
//!
//! | variable | default | meaning |
//! |---|---|---|
//! | `PORT` | 0 | port on 127.0.0.1; 0 takes a free one, which the first line on stdout names |
//! | `DATABASE_PATH` | `orders.db` | SQLite file, created with its schema if missing |
//! | `ORDERS_BUGS` | none | bugs to switch on, separated by commas |
//! | `ORDERS_MAX` | 3 | so many orders exist at most; it keeps the states of the shop finite |
//!
//! SIGTERM shuts the server down. A panic ends its process.
//!
//! # Endpoints
//!
//! All but `/health` need `Authorization: Bearer alice-token` or `Bearer bob-token`, else 401. Errors are
//! `{"error": "conflict", "message": "order 1 is refunded: it cannot be shipped"}`.
//!
//! | request | answer | refusals |
//! |---|---|---|
//! | `GET /health` | 200 `{"status": "ok"}` | |
//! | `POST /orders` `{"amount": 100}` | 201 order | 400, 415, 422; 409 if the reference is taken or the shop is full |
//! | `GET /orders` | 200 list of one's own orders, by id | |
//! | `GET /orders/{id}` | 200 order | 404 |
//! | `POST /orders/{id}/pay` | 200 order: `new` becomes `paid` | 404, 409 |
//! | `POST /orders/{id}/ship` | 200 order: `paid` becomes `shipped` | 404, 409 |
//! | `POST /orders/{id}/refund` | 200 order: `paid` or `shipped` becomes `refunded` | 404, 409 |
//! | `POST /orders/{id}/cancel` | 200 order: `new` or `paid` becomes `cancelled`, what was paid is refunded | 404, 409 |
//! | `DELETE /orders/{id}` | 204; a payment that it still holds is void | 404; 409 while `shipped` |
//! | `GET /balance` | 200 `{"balance": 100, "average": 100}`: paid less refunded, and the average amount, of one's orders | |
//!
//! `POST /orders` also takes
//! - `"payment": "later"`: the order starts as `new` with nothing paid; without it, it is `paid` at once;
//! - `"reference": "cart-1"`: the customer's own name for the order, which no other order of the customer may have;
//! - the header `Idempotency-Key: k1`: a retry with the same key answers 200 with the order that is there already. With
//!   another amount or reference it is refused: 422.
//!
//! Another user's order is 404, like one that does not exist. A new order takes the lowest free id, and rows hold no times and
//! nothing random: create and delete leads back to where it began. All state is in the database.
//!
//! # Rules and bugs
//!
//! What must hold at any time, and the bug that breaks it, each at the end of this sequence at the soonest and with all other
//! rules intact. `create` is `POST /orders {"amount": 100}` and what is added to it in brackets.
//!
//! | bug | shortest sequence | breaks the rule |
//! |---|---|---|
//! | `double_refund` | create, refund, refund | refunded <= paid |
//! | `refund_after_cancel` | create, cancel, refund | refunded <= paid |
//! | `cancel_after_refund` | create, refund, cancel | refunded <= paid |
//! | `ship_unpaid` | create, cancel, ship | a `shipped` order is paid: paid - refunded >= amount |
//! | `idempotency` | create \[key k], create \[key k] | an order is paid once: paid <= amount |
//! | `duplicate_create` | create \[reference r], create \[reference r] | a reference names one order of a user |
//! | `ghost_after_delete` | create, delete | a deleted order is gone: 404, and not in the list |
//! | `foreign_order_readable` | create, then read it as the other user | nobody sees another user's order |
//! | `stale_state` | create, cancel | `GET /balance` is the sum of paid - refunded |
//! | `list_disagrees` | create, cancel | the list and `GET /orders/{id}` say the same |
//! | `crash` | create, delete | the server stays alive |
//!
//! With `"payment": "later"` the sequences that need money have a `pay` after `create`.
//!
//! # Where what is
//!
//! `bugs` names the bugs, `order` holds what may happen to an order, `store` the SQL, `api` the routes, `auth` the tokens,
//! `refusal` the error answers, `config` the environment. Each bug is one `bugs.has(Bug::…)` in `order` or `store`.

mod api;
mod auth;
mod bugs;
mod config;
mod order;
mod refusal;
mod store;

use std::process::ExitCode;

use axum::Router;

use super::serve;

pub use bugs::{Bug, Bugs, UnknownBug};
pub use config::{Config, StartError};

/// Runs the server as the environment says until it is told to stop: the whole `main` of the binary.
///
/// From here on a panic in any thread ends the process, as `panic = "abort"` would do.
pub fn run() -> ExitCode {
    serve::run("orders", async {
        let config = Config::from_env()?;
        serve::serve(config.port, router(&config)?).await?;
        Ok::<_, StartError>(())
    })
}

/// The API over its database, for a process that has no need of a socket.
///
/// # Errors
///
/// When the database cannot be opened.
pub fn router(config: &Config) -> Result<Router, StartError> {
    Ok(api::router(store::Store::open(config)?))
}
