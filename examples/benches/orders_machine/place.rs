use std::path::Path;

use tempfile::TempDir;
use venomqa::prelude::*;
use venomqa_examples::orders_machine::http;

/// Where the orders of a server lie.
pub(crate) trait Place {
    /// What the table calls it.
    fn name(&self) -> &str;

    /// A world on a new database, with so many rows in it that have nothing to do with the orders.
    async fn world(&self, unrelated: u32) -> World;

    /// The same server on a new database, without VenomQA.
    async fn server(&self) -> Server;
}

/// The `orders` server.
pub(crate) struct Sqlite(TempDir);

const ORDERS: &str = env!("CARGO_BIN_EXE_orders");

impl Sqlite {
    pub(crate) fn new() -> Self {
        Self(TempDir::new().unwrap())
    }
}

impl Place for Sqlite {
    fn name(&self) -> &str {
        "SQLite"
    }

    async fn world(&self, unrelated: u32) -> World {
        let file = self.0.path().join(format!("explored-{unrelated}.db"));
        http::renew(&file, unrelated).unwrap();
        http::world(Path::new(ORDERS), &file, 3).await.unwrap()
    }

    async fn server(&self) -> Server {
        let file = self.0.path().join("plain.db");
        let _ = std::fs::remove_file(&file);
        http::server(Path::new(ORDERS), &file, 3).await.unwrap()
    }
}
