//! The machine behind an API: the `orders` server with its SQLite file, or any other that answers the same.

use std::path::Path;

use venomqa::prelude::*;
use venomqa::{IntoOutcome, Outcome, Parts};

use super::{VERBS, everything};

/// An explorer of the machine behind the API of this world.
pub fn agent(world: World, orders: u32) -> Agent {
    let mut agent =
        Agent::new(world)
            .config(everything())
            .action(call("create", String::new(), create));
    for id in 1..=orders {
        for verb in VERBS {
            let path = format!("/orders/{id}/{verb}");
            agent = agent.action(call(verb, format!("id={id}"), move |api| api.post(&path)));
        }
    }
    agent.invariant(Invariant::new(
        "never_refunded_more_than_paid",
        never_refunded_more_than_paid,
    ))
}

/// The `orders` server and its SQLite file. `program` is its binary.
///
/// # Errors
///
/// The server does not start, or its database cannot be followed.
pub async fn world(program: &Path, file: &Path, orders: u32) -> Result<World> {
    let db = SqliteAdapter::open(file).await?;
    let server = server(program, file, orders).await?;
    Ok(World::new(client(&server))
        .with("db", db)
        .with_server(server))
}

/// Makes the file anew, with so many rows in it that have nothing to do with the orders.
///
/// # Errors
///
/// SQLite cannot write there.
pub fn renew(file: &Path, unrelated: u32) -> rusqlite::Result<()> {
    for end in ["", "-wal", "-shm"] {
        let mut part = file.as_os_str().to_owned();
        part.push(end);
        // It need not be there.
        let _ = std::fs::remove_file(part);
    }
    rusqlite::Connection::open(file)?.execute_batch(&format!(
        "PRAGMA journal_mode = WAL;
         CREATE TABLE unrelated (id INTEGER PRIMARY KEY, text TEXT);
         WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {unrelated})
         INSERT INTO unrelated SELECT i, 'row ' || i FROM n WHERE i <= {unrelated};"
    ))
}

/// The server, with the machine's bug.
///
/// # Errors
///
/// The server does not start.
pub async fn server(program: &Path, file: &Path, orders: u32) -> Result<Server> {
    let mut command = Command::new(program);
    command
        .env("DATABASE_PATH", file)
        .env("ORDERS_MAX", orders.to_string());
    Server::spawn(command.env("ORDERS_BUGS", "cancel_after_refund"))
        .ready_when("/health")
        .await
}

/// The client that the actions use.
pub fn client(server: &Server) -> HttpClient {
    server.client().bearer("alice-token")
}

fn create(api: &HttpClient) -> Request {
    api.post("/orders")
        .json(&json!({ "amount": 100, "payment": "later" }))
}

fn call(
    name: &str,
    arguments: String,
    request: impl Fn(&HttpClient) -> Request + Send + Sync + 'static,
) -> Action {
    let action = Action::of_parts(name, move |parts: Parts<'_>| {
        let request = parts.world().main_api().map(&request);
        Box::pin(async move {
            match request {
                Ok(request) => request.into_outcome().await,
                Err(error) => Outcome::Failed(error),
            }
        })
    });
    if arguments.is_empty() {
        action
    } else {
        action.arguments(&arguments)
    }
}

async fn never_refunded_more_than_paid(api: &HttpClient, _: &Context) -> Verdict {
    let orders = api.get("/orders").send().await?.json()?;
    for order in orders.as_array().into_iter().flatten() {
        let (paid, refunded) = (order["paid"].as_i64(), order["refunded"].as_i64());
        ensure!(
            refunded <= paid,
            "order {}: refunded {refunded:?} of {paid:?}",
            order["id"]
        );
    }
    Ok(())
}
