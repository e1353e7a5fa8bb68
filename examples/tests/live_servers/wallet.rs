use std::sync::Arc;

use libtest_mimic::Trial;
use venomqa::prelude::*;
use venomqa_examples::databases;

use crate::conversation::{does_not_start, seen, talk};
use crate::{Databases, trial};

const WALLET: &str = env!("CARGO_BIN_EXE_wallet");

pub(crate) fn trials(databases: &Arc<Databases>) -> Vec<Trial> {
    vec![
        trial(
            "wallet: money moves, and comes back once",
            databases,
            money_moves,
        ),
        trial(
            "wallet: refusals say why and change nothing",
            databases,
            refusals_change_nothing,
        ),
        trial(
            "wallet: what it is told wrongly keeps it from starting",
            databases,
            told_wrongly,
        ),
    ]
}

async fn start(databases: &Databases, database: &str) -> Server {
    let url = databases.mariadb.url(database);
    databases::remake_mysql(&url).await.expect("a database");
    let mut command = Command::new(WALLET);
    let server = Server::spawn(command.env("DATABASE_URL", url));
    server
        .ready_when("/health")
        .await
        .expect("the wallet starts")
}

fn alice(balance: i64) -> Value {
    json!({ "id": 1, "owner": "alice", "balance": balance, "status": "open" })
}

fn bob(balance: i64, status: &str) -> Value {
    json!({ "id": 2, "owner": "bob", "balance": balance, "status": status })
}

fn transfer(id: i64, from: i64, to: i64, reversed: bool) -> Value {
    json!({ "id": id, "from": from, "to": to, "amount": 50, "reversed": reversed })
}

async fn money_moves(databases: &Databases) {
    let server = start(databases, "venomqa_wallet_money_moves").await;
    let fifty = json!({ "amount": 50 });
    let to_bob = json!({ "from": 1, "to": 2, "amount": 50 });
    let to_alice = json!({ "from": 2, "to": 1, "amount": 50 });
    let to_herself = json!({ "from": 1, "to": 1, "amount": 50 });
    let talked = [
        ("GET /accounts/1", Value::Null, 200, alice(0)),
        ("GET /accounts/2", Value::Null, 200, bob(100, "open")),
        ("POST /accounts/1/deposit", fifty.clone(), 200, alice(50)),
        ("POST /transfers", to_herself, 201, transfer(1, 1, 1, false)),
        ("GET /accounts/1", Value::Null, 200, alice(50)),
        ("POST /transfers", to_bob, 201, transfer(2, 1, 2, false)),
        ("GET /accounts/1", Value::Null, 200, alice(0)),
        ("GET /accounts/2", Value::Null, 200, bob(150, "open")),
        (
            "POST /transfers/2/reverse",
            Value::Null,
            200,
            transfer(2, 1, 2, true),
        ),
        (
            "POST /transfers/2/reverse",
            Value::Null,
            409,
            json!("reversed before"),
        ),
        ("GET /accounts/1", Value::Null, 200, alice(50)),
        ("GET /accounts/2", Value::Null, 200, bob(100, "open")),
        ("POST /transfers", to_alice, 201, transfer(3, 2, 1, false)),
        (
            "POST /accounts/1/withdraw",
            json!({ "amount": 100 }),
            200,
            alice(0),
        ),
        (
            "POST /transfers/3/reverse",
            Value::Null,
            409,
            json!("less than 50"),
        ),
        ("POST /accounts/2/withdraw", fifty, 200, bob(0, "open")),
        (
            "POST /accounts/2/freeze",
            Value::Null,
            200,
            bob(0, "frozen"),
        ),
        (
            "POST /accounts/2/unfreeze",
            Value::Null,
            200,
            bob(0, "open"),
        ),
        ("POST /accounts/2/close", Value::Null, 200, bob(0, "closed")),
    ];
    talk(&server.client(), talked).await;
}

async fn refusals_change_nothing(databases: &Databases) {
    let server = start(databases, "venomqa_wallet_refusals").await;
    let api = server.client();
    let fifty = || json!({ "amount": 50 });
    let between =
        |from: i64, to: i64, amount: i64| json!({ "from": from, "to": to, "amount": amount });
    talk(
        &api,
        [(
            "POST /accounts/2/freeze",
            Value::Null,
            200,
            bob(100, "frozen"),
        )],
    )
    .await;
    let reads = ["/accounts/1", "/accounts/2"];
    let before = seen(&api, &reads).await;
    let talked = [
        (
            "POST /accounts/2/withdraw",
            fifty(),
            409,
            json!("frozen, not open"),
        ),
        (
            "POST /accounts/2/deposit",
            fifty(),
            409,
            json!("frozen, not open"),
        ),
        (
            "POST /accounts/2/close",
            Value::Null,
            409,
            json!("frozen, not open"),
        ),
        (
            "POST /accounts/2/freeze",
            Value::Null,
            409,
            json!("frozen, not open"),
        ),
        (
            "POST /accounts/1/unfreeze",
            Value::Null,
            409,
            json!("open, not frozen"),
        ),
        (
            "POST /transfers",
            between(2, 1, 50),
            409,
            json!("frozen, not open"),
        ),
        (
            "POST /transfers",
            between(1, 2, 50),
            409,
            json!("frozen, not open"),
        ),
        (
            "POST /transfers",
            between(1, 1, 50),
            409,
            json!("holds 0, which is less than 50"),
        ),
        (
            "POST /transfers",
            between(1, 4, 50),
            404,
            json!("no account 4"),
        ),
        ("POST /transfers", between(1, 2, 0), 422, json!("amount")),
        (
            "POST /transfers/1/reverse",
            Value::Null,
            404,
            json!("no transfer 1"),
        ),
        (
            "POST /accounts/1/withdraw",
            fifty(),
            409,
            json!("less than 50"),
        ),
        (
            "POST /accounts/1/deposit",
            json!({ "amount": -1 }),
            422,
            json!("amount"),
        ),
        (
            "POST /accounts/1/deposit",
            json!({ "amount": "all" }),
            422,
            json!("amount"),
        ),
        (
            "POST /accounts/4/deposit",
            fifty(),
            404,
            json!("no account 4"),
        ),
        ("GET /accounts/one", Value::Null, 400, json!("one")),
    ];
    talk(&api, talked).await;
    assert_eq!(seen(&api, &reads).await, before);
    let thawed = [
        (
            "POST /accounts/2/unfreeze",
            Value::Null,
            200,
            bob(100, "open"),
        ),
        (
            "POST /accounts/2/close",
            Value::Null,
            409,
            json!("still holds 100"),
        ),
    ];
    talk(&api, thawed).await;
}

async fn told_wrongly(_: &Databases) {
    let cases = [
        (
            vec![("WALLET_BUGS", "greed")],
            "unknown bug `greed`; there are: none, self_transfer, ",
        ),
        (
            vec![],
            "DATABASE_URL is not set; it has to be like `mysql://",
        ),
        (
            vec![("DATABASE_URL", "mysql://root@127.0.0.1:1/wallet")],
            "cannot use the database: ",
        ),
    ];
    for (variables, why) in cases {
        does_not_start(WALLET, &variables, why).await;
    }
}
