//! Every sequence of calls to the `orders` server, up to four calls long.
//!
//! Green as it stands. `ORDERS_BUGS=double_refund cargo test --test sequences` switches a bug on and makes it red.

mod actions;
mod rules;

use venomqa::prelude::*;

/// A shop that holds at most two orders, with a customer, Alice, and another one, Bob.
#[exploration(max_depth = 4)]
async fn shop() -> Result<World> {
    // Two runs at a time need two databases.
    let file = std::env::var("ORDERS_DB")
        .unwrap_or(concat!(env!("CARGO_TARGET_TMPDIR"), "/orders.db").into());
    let db = SqliteAdapter::open(&file).await?;
    let mut command = Command::new(env!("CARGO_BIN_EXE_orders"));
    let server = Server::spawn(command.env("DATABASE_PATH", &file).env("ORDERS_MAX", "2"))
        .ready_when("/health")
        .await?;
    let api = server
        .client()
        .bearer("alice-token")
        .with_role("bob", |role| role.bearer("bob-token"));
    Ok(World::new(api).with("db", db).with_server(server))
}

venomqa::main!();
