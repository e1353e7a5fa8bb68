use std::process::Command;
use std::time::Duration;

use tempfile::TempDir;

use super::orders::Bug;
use crate::adapters::SqliteAdapter;
use crate::{Error, HttpClient, Result, Server, World};

/// The order API with an empty database, in a process of its own.
#[derive(Debug)]
pub(super) struct Shop {
    // Before the folder, so that dropping stops it before its database is deleted.
    server: Server,
    db: SqliteAdapter,
    folder: TempDir,
}

impl Shop {
    /// Opens a shop with this bug, or none. `command` starts the server.
    pub(super) async fn open(command: &Command, bug: Option<Bug>) -> Result<Self> {
        let folder = tempfile::Builder::new()
            .prefix("venomqa-demo-")
            .tempdir()
            .map_err(|error| {
                Error::set_up(format!(
                    "cannot make a temporary folder: {error}; let TMPDIR name one that can be written to"
                ))
            })?;
        let database = folder.path().join("orders.db");
        let db = SqliteAdapter::open(&database).await?;

        let mut command = copy(command);
        command
            .env("DATABASE_PATH", &database)
            .env("ORDERS_BUGS", bug.map_or("none", Bug::name))
            .env_remove("ORDERS_MAX");
        let server = Server::spawn(command)
            .ready_when("/health")
            .ready_within(Duration::from_secs(10))
            .await?;
        Ok(Self { server, db, folder })
    }

    /// A client that asks as Alice, one of the two users that a shop has.
    pub(super) fn client(&self) -> HttpClient {
        let api = self.server.client();
        api.with_header("authorization", "Bearer alice-token")
    }

    /// The shop as something to explore, and the folder to keep until that is done.
    pub(super) fn into_world(self) -> (World, TempDir) {
        let world = World::new(self.client())
            .with("db", self.db)
            .with_server(self.server);
        (world, self.folder)
    }
}

/// A `Command` cannot be cloned. Only program and arguments matter here.
fn copy(command: &Command) -> Command {
    let mut copy = Command::new(command.get_program());
    copy.args(command.get_args());
    copy
}
