//! The suite `sequences`, with its actions and rules as they are, on the `orders` API in this process: no server, no socket, no file.
//!
//! Green as it stands. `ORDERS_BUGS=double_refund cargo test --test sequences_in_process` switches a bug on and makes it red.

#[path = "../sequences/actions.rs"]
mod actions;
#[path = "../sequences/rules.rs"]
mod rules;

use venomqa::demo::orders::{Config, StartError, router};
use venomqa::prelude::*;

/// A shop that holds at most two orders, with a customer, Alice, and another one, Bob.
#[exploration(max_depth = 4)]
async fn shop() -> Result<World> {
    let db = SqliteAdapter::in_memory()?;
    let config = Config {
        database: db.uri().to_owned(),
        max_orders: 2,
        ..Config::from_env().map_err(unusable)?
    };
    let api = HttpClient::in_process(router(&config).map_err(unusable)?)?
        .bearer("alice-token")
        .with_role("bob", |role| role.bearer("bob-token"));
    Ok(World::new(api).with("db", db))
}

fn unusable(why: StartError) -> Error {
    Error::set_up(why.to_string())
}

venomqa::main!();
