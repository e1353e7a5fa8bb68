use std::sync::Arc;

use libtest_mimic::Trial;
use tempfile::TempDir;
use venomqa::prelude::*;

use crate::conversation::talk;
use crate::{Databases, trial};

pub(crate) const GATEWAY: &str = env!("CARGO_BIN_EXE_gateway");

pub(crate) fn trials(databases: &Arc<Databases>) -> Vec<Trial> {
    vec![trial(
        "gateway: it takes every charge, and gives each back once",
        databases,
        charges,
    )]
}

pub(crate) async fn start(folder: &TempDir) -> Server {
    let mut command = Command::new(GATEWAY);
    command.env("DATABASE_PATH", folder.path().join("gateway.db"));
    let server = Server::spawn(command).ready_when("/health").await;
    server.expect("the gateway starts")
}

async fn charges(_: &Databases) {
    let folder = TempDir::new().expect("a folder");
    let server = start(&folder).await;
    let api = server.client();
    let new = || json!({ "reference": "order 1", "amount": 100 });
    let charge = |id: i64, refunded: bool| json!({ "id": id, "reference": "order 1", "amount": 100, "refunded": refunded });
    let talked = [
        ("GET /charges", Value::Null, 200, json!([])),
        ("POST /charges", new(), 201, charge(1, false)),
        ("POST /charges", new(), 201, charge(2, false)),
        ("POST /charges/1/refund", Value::Null, 200, charge(1, true)),
        (
            "POST /charges/1/refund",
            Value::Null,
            409,
            json!("refunded before"),
        ),
        (
            "POST /charges/3/refund",
            Value::Null,
            404,
            json!("no charge 3"),
        ),
        (
            "POST /charges",
            json!({ "reference": "", "amount": 0 }),
            422,
            json!("at least 1"),
        ),
        (
            "POST /charges",
            json!({ "amount": 1 }),
            422,
            json!("reference"),
        ),
        ("POST /charges", Value::Null, 415, json!("application/json")),
        ("POST /charges/one/refund", Value::Null, 400, json!("one")),
        (
            "GET /charges",
            Value::Null,
            200,
            json!([charge(1, true), charge(2, false)]),
        ),
    ];
    talk(&api, talked).await;
}
