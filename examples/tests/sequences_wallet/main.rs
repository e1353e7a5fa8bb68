//! Every sequence of calls to the `wallet` server, up to four calls long, with its MariaDB database rolled back.
//!
//! Green as it stands. `WALLET_BUGS=frozen_pays cargo test --features live --test sequences_wallet` switches a bug on and makes it red.

mod actions;
mod rules;

use std::sync::LazyLock;

use venomqa::prelude::*;
use venomqa_examples::databases;
use venomqa_tests::servers::MariaDb;

static MARIADB: LazyLock<MariaDb> = LazyLock::new(MariaDb::start);

/// Alice and Carol, who have nothing yet, and Bob, who has 100.
#[exploration(max_depth = 4)]
async fn wallet() -> Result<World> {
    // Several runs at a time need several databases.
    let run = std::env::var("WALLET_RUN").unwrap_or("0".into());
    let url = MARIADB.url(&format!("venomqa_wallet_{run}"));
    databases::make_mysql(&url)
        .await
        .map_err(|error| Error::set_up(error.to_string()))?;
    let db = MySqlAdapter::connect(&url).await?;
    let mut command = Command::new(env!("CARGO_BIN_EXE_wallet"));
    let server = Server::spawn(command.env("DATABASE_URL", &url))
        .ready_when("/health")
        .await?;
    Ok(World::new(server.client())
        .with("db", db)
        .with_server(server))
}

venomqa::main!();
