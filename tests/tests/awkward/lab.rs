use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use tempfile::TempDir;
use venomqa::adapters::SqliteAdapter;
use venomqa::prelude::*;
use venomqa::server::Spawn;
use venomqa::{Exploration, Violation};

/// A shop with quirks, and the folder of its database.
pub(crate) struct Lab {
    quirks: String,
    folder: TempDir,
}

impl Lab {
    pub(crate) fn new(quirks: &str) -> Self {
        Self {
            quirks: quirks.into(),
            folder: tempfile::tempdir().unwrap(),
        }
    }

    pub(crate) fn database(&self) -> PathBuf {
        self.folder.path().join("shop.db")
    }

    /// The shop's program, without a database: it keeps everything in memory.
    pub(crate) fn forgetful(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_awkward"));
        command.env("QUIRKS", &self.quirks);
        command
    }

    pub(crate) fn spawn(&self) -> Spawn {
        Server::spawn(self.forgetful().env("DATABASE_PATH", self.database())).ready_when("/health")
    }

    /// The server and the world around it, without the server in it.
    pub(crate) async fn apart(&self) -> (Server, World) {
        let server = self.spawn().await.unwrap();
        let db = SqliteAdapter::open(self.database()).await.unwrap();
        let world = World::new(server.client()).with("db", db);
        (server, world)
    }

    pub(crate) async fn world(&self) -> World {
        let (server, world) = self.apart().await;
        world.with_server(server)
    }

    /// A world that does not wait long for an answer.
    pub(crate) async fn impatient_world(&self) -> World {
        let server = self.spawn().await.unwrap();
        let db = SqliteAdapter::open(self.database()).await.unwrap();
        let api = server.client().timeout(Duration::from_secs(3));
        World::new(api).with("db", db).with_server(server)
    }

    /// A server that keeps state in its memory, and says so.
    pub(crate) async fn stateful_world(&self) -> World {
        let server = self.spawn().stateful().await.unwrap();
        let db = SqliteAdapter::open(self.database()).await.unwrap();
        World::new(server.client())
            .with("db", db)
            .with_server(server)
    }
}

/// Orders are created and refunded, and no refund exceeds what was paid.
pub(crate) fn shop(world: World) -> Agent {
    Agent::new(world)
        .action(Action::new("create_order", create_order))
        .action(Action::new("refund_order", refund_order))
        .action(Action::new("delete_order", delete_order))
        .invariant(Invariant::new("no_over_refund", no_over_refund).severity(Severity::Critical))
        .max_depth(5)
}

pub(crate) async fn create_order(api: &HttpClient, ctx: &mut Context) -> ActionResult {
    let created = api
        .post("/orders")
        .json(&json!({ "amount": 100 }))
        .send()
        .await?;
    if created.is_success() {
        ctx.set("order_id", created.json()?["id"].clone());
    }
    Ok(created)
}

pub(crate) async fn refund_order(api: &HttpClient, ctx: &mut Context) -> ActionResult {
    let id: String = ctx.require("order_id")?;
    api.post(&format!("/orders/{id}/refund")).send().await
}

pub(crate) async fn ship_order(api: &HttpClient, ctx: &mut Context) -> ActionResult {
    let id: String = ctx.require("order_id")?;
    api.post(&format!("/orders/{id}/ship")).send().await
}

pub(crate) async fn delete_order(api: &HttpClient, ctx: &mut Context) -> ActionResult {
    let id: String = ctx.require("order_id")?;
    api.delete(&format!("/orders/{id}")).send().await
}

pub(crate) async fn write_note(api: &HttpClient, _: &mut Context) -> ActionResult {
    api.post("/notes").send().await
}

pub(crate) async fn no_over_refund(api: &HttpClient, _: &Context) -> Verdict {
    let orders = api.get("/orders").send().await?.json()?;
    for order in orders.as_array().into_iter().flatten() {
        let (refunded, amount) = (order["refunded"].as_i64(), order["amount"].as_i64());
        ensure!(refunded <= amount, "refunded {refunded:?} of {amount:?}");
    }
    Ok(())
}

/// The rule and the sequence of each violation, as reports name them.
pub(crate) fn found(exploration: &Exploration) -> Vec<String> {
    let named = |violation: &Violation| {
        let doubt = if violation.is_confirmed() {
            ""
        } else {
            " (unconfirmed)"
        };
        format!(
            "{}: {}{doubt}",
            violation.rule,
            violation.labels().join(" -> ")
        )
    };
    exploration.violations.iter().map(named).collect()
}

/// Nothing is broken, nothing is missing and nothing has to be known: as good as a result can be.
#[track_caller]
pub(crate) fn assert_clean(exploration: &Exploration) {
    let told = exploration.summary();
    assert_eq!(found(exploration), [""; 0], "{told}");
    assert_eq!(exploration.shortcomings(), [""; 0], "{told}");
    assert!(exploration.diverged.is_empty(), "{told}");
    assert!(exploration.notes.is_empty(), "{told}");
}

#[track_caller]
pub(crate) fn assert_tells(text: &str, parts: &[&str]) {
    for part in parts {
        assert!(text.contains(part), "no {part:?} in:\n{text}");
    }
}

/// The message, the sequence and the logs of an exploration that ended by an error.
#[track_caller]
pub(crate) fn error_of(exploration: &Exploration) -> (&str, &[String], &str) {
    match &exploration.ended {
        venomqa::Ended::Error {
            message,
            sequence,
            logs,
        } => (message, sequence, logs),
        other => panic!("ended {other:?}: {}", exploration.summary()),
    }
}
