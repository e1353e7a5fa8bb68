//! `wallet`: accounts and transfers in a MySQL or MariaDB database, right by default, wrong on request.
//!
//! It is a server like any other and knows nothing of VenomQA: it keeps a pool of connections open, and commits. There are three accounts:
//! Alice's, number 1, and Carol's, number 3, are empty, and Bob's, number 2, holds 100. Whatever moves money writes an entry for each
//! account that it moves it from or to.
//!
//! # Environment
//!
//! | variable | default | meaning |
//! |---|---|---|
//! | `PORT` | 0 | port on 127.0.0.1; 0 takes a free one, which the first line on stdout names |
//! | `DATABASE_URL` | | MySQL or MariaDB; the tables are made if they are missing |
//! | `WALLET_BUGS` | none | bugs to switch on, separated by commas |
//!
//! # Endpoints
//!
//! An amount is from 1 to 1,000,000, else 422. No number of an account or a transfer: 404.
//!
//! | request | answer | refusals |
//! |---|---|---|
//! | `GET /health` | 200 | |
//! | `GET /accounts/{id}` | 200 account `{"id": 2, "owner": "bob", "balance": 100, "status": "open"}` | |
//! | `POST /accounts/{id}/deposit` `{"amount": 50}` | 200 account | 409 unless it is open |
//! | `POST /accounts/{id}/withdraw` `{"amount": 50}` | 200 account | 409 unless it is open and holds as much |
//! | `POST /accounts/{id}/freeze` | 200 account: `open` becomes `frozen` | 409 |
//! | `POST /accounts/{id}/unfreeze` | 200 account: `frozen` becomes `open` | 409 |
//! | `POST /accounts/{id}/close` | 200 account: `open` becomes `closed` | 409 unless it is empty |
//! | `POST /transfers` `{"from": 1, "to": 2, "amount": 50}` | 201 transfer `{"id": 1, "from": 1, "to": 2, "amount": 50, "reversed": false}` | 409 unless both accounts are open and the first holds as much |
//! | `POST /transfers/{id}/reverse` | 200 transfer | 409 if it was reversed before, or unless both accounts are open and the second holds as much |
//!
//! # Rules and bugs
//!
//! What must hold at any time, and the bug that breaks it, each at the end of this sequence at the soonest and with all other rules
//! intact. Alice deposits, and transfers to Bob, to Carol or to herself; Bob withdraws all that he has; Carol closes her account.
//!
//! | bug | shortest sequence | breaks the rule |
//! |---|---|---|
//! | `self_transfer` | deposit, transfer to oneself | a balance is the sum of the entries |
//! | `double_reversal` | deposit, transfer, reverse, reverse | no more is reversed than was transferred |
//! | `reversal_overdraws` | deposit, transfer, withdraw, reverse | no balance is negative |
//! | `frozen_pays` | freeze, withdraw | a frozen account pays nothing |
//! | `closed_receives` | deposit, close, transfer | a closed account is empty |

mod account;
mod api;
mod bugs;
mod store;
mod transfer;

use std::process::ExitCode;

use venomqa::demo::serve;

pub use bugs::Bug;

use crate::server::{StartError, number};

/// Runs the wallet as the environment says until it is told to stop: the whole `main` of the binary.
pub fn run() -> ExitCode {
    serve::run("wallet", async {
        let wallet = store::Wallet::from_env().await?;
        serve::serve(number("PORT", 0)?, api::router(wallet)).await?;
        Ok::<_, StartError>(())
    })
}
