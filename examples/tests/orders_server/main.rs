//! The `orders` server does what its documentation says: right without bugs, wrong in exactly one way with each.

mod rules;
mod search;
mod server;

use std::collections::{BTreeMap, BTreeSet};
use std::process::Stdio;

use rules::{Rule, broken};
use search::{Search, step};
use serde_json::json;
use server::{ALICE, BOB, Call, Contents, Database, Server, binary, call};

#[test]
fn without_bugs_no_sequence_breaks_a_rule() {
    let steps = [
        "create",
        "create_later",
        "create_named",
        "create_keyed",
        "pay",
        "ship",
        "refund",
        "cancel",
        "delete",
    ];
    assert_eq!(Search::run("none", &steps, 3), []);
    assert_eq!(
        Search::run(
            "",
            &["create_later", "pay", "ship", "refund", "cancel", "delete"],
            4
        ),
        []
    );
}

/// The shortest sequence is the only minimal one, each shorter one keeps all rules, and no other rule breaks anywhere.
fn check(bug: &str, shortest: &[&'static str], rule: Rule) {
    let others = ["pay", "ship", "refund", "cancel", "delete"];
    let steps: Vec<_> = shortest[..1].iter().copied().chain(others).collect();
    let found = Search::run(bug, &steps, shortest.len().max(3));
    assert_eq!(
        found.first().map(|(sequence, _)| &sequence[..]),
        Some(shortest),
        "{bug}"
    );
    for (sequence, broken) in found {
        assert_eq!(broken, BTreeSet::from([rule]), "{bug}: {sequence:?}");
        let mut rest = sequence.iter();
        let contained = shortest.iter().all(|step| rest.any(|other| other == step));
        assert!(contained, "{bug}: {sequence:?} is another minimal sequence");
    }

    // Up to the last call nobody can tell the server from a right one.
    let [mut right, mut wrong] = ["none", bug].map(|bugs| Server::start(bugs, 2));
    for step_name in &shortest[..shortest.len() - 1] {
        let [expected, answer] = [&mut right, &mut wrong].map(|server| {
            let answer = server.send(ALICE, step(step_name)).unwrap();
            let seen = ["/orders", "/orders/1", "/balance"]
                .map(|path| server.send(ALICE, call("GET", path)).unwrap());
            (answer, seen)
        });
        assert_eq!(expected, answer, "{bug}: {step_name}");
    }
}

#[test]
fn double_refund() {
    check(
        "double_refund",
        &["create", "refund", "refund"],
        Rule::RefundedWithinPaid,
    );
    check(
        "double_refund",
        &["create_later", "pay", "refund", "refund"],
        Rule::RefundedWithinPaid,
    );
}

#[test]
fn refund_after_cancel() {
    check(
        "refund_after_cancel",
        &["create", "cancel", "refund"],
        Rule::RefundedWithinPaid,
    );
    check(
        "refund_after_cancel",
        &["create_later", "pay", "cancel", "refund"],
        Rule::RefundedWithinPaid,
    );
}

#[test]
fn cancel_after_refund() {
    check(
        "cancel_after_refund",
        &["create", "refund", "cancel"],
        Rule::RefundedWithinPaid,
    );
    check(
        "cancel_after_refund",
        &["create_later", "pay", "refund", "cancel"],
        Rule::RefundedWithinPaid,
    );
}

#[test]
fn ship_unpaid() {
    check(
        "ship_unpaid",
        &["create", "cancel", "ship"],
        Rule::ShippedIsPaid,
    );
    check(
        "ship_unpaid",
        &["create_later", "cancel", "ship"],
        Rule::ShippedIsPaid,
    );
}

#[test]
fn idempotency() {
    check(
        "idempotency",
        &["create_keyed", "create_keyed"],
        Rule::PaidOnce,
    );
}

#[test]
fn duplicate_create() {
    check(
        "duplicate_create",
        &["create_named", "create_named"],
        Rule::OneOrderPerReference,
    );
}

#[test]
fn ghost_after_delete() {
    check(
        "ghost_after_delete",
        &["create", "delete"],
        Rule::DeletedIsGone,
    );
    check(
        "ghost_after_delete",
        &["create_later", "delete"],
        Rule::DeletedIsGone,
    );
}

#[test]
fn foreign_order_readable() {
    check(
        "foreign_order_readable",
        &["create"],
        Rule::OrdersArePrivate,
    );
}

#[test]
fn stale_state() {
    check("stale_state", &["create", "cancel"], Rule::BalanceIsTheSum);
    check(
        "stale_state",
        &["create_later", "pay", "cancel"],
        Rule::BalanceIsTheSum,
    );
}

#[test]
fn list_disagrees() {
    check(
        "list_disagrees",
        &["create", "cancel"],
        Rule::ListAndGetAgree,
    );
    check(
        "list_disagrees",
        &["create_later", "pay", "cancel"],
        Rule::ListAndGetAgree,
    );
}

#[test]
fn crash() {
    check("crash", &["create", "delete"], Rule::ServerIsAlive);
    check("crash", &["create_later", "delete"], Rule::ServerIsAlive);
}

/// The workload that is measured with: 7 states per order, as computed by hand.
#[test]
fn pay_later_orders_span_the_orders_machine() {
    let mut server = Server::start("cancel_after_refund", 2);
    let mut database = Database::open(&server);
    let mut calls = vec![("POST", "/orders".to_owned(), step("create_later").body)];
    for id in 1..=2 {
        calls.extend(
            ["pay", "ship", "refund", "cancel"]
                .map(|name| ("POST", format!("/orders/{id}/{name}"), None)),
        );
    }

    let mut states: BTreeMap<String, Contents> = BTreeMap::new();
    let mut open = vec![database.save()];
    states.insert(format!("{:?}", open[0]), open[0].clone());
    let mut transitions = 0;
    while let Some(state) = open.pop() {
        for (method, path, body) in &calls {
            database.restore(&state);
            let call = Call {
                body: *body,
                ..call(method, path)
            };
            server.send(ALICE, call).unwrap();
            transitions += 1;
            let reached = database.save();
            if states
                .insert(format!("{reached:?}"), reached.clone())
                .is_none()
            {
                open.push(reached);
            }
        }
    }
    let violating = states
        .into_values()
        .filter(|state| {
            database.restore(state);
            !broken(&mut server, &BTreeSet::new()).unwrap().is_empty()
        })
        .count();
    assert_eq!(
        (transitions / calls.len(), transitions, violating),
        (57, 513, 14)
    );
}

#[test]
fn refusals_say_why_in_json_and_change_nothing() {
    let mut server = Server::start("", 1);
    server.send(ALICE, step("create_keyed")).unwrap();
    let database = Database::open(&server);
    let before = database.save();
    let post = |body| Call {
        body: Some(body),
        ..call("POST", "/orders")
    };

    let mut check = |headers: &str, call: Call<'_>, status: u16, message: &str| {
        let answer = server.send_raw(headers, call).unwrap();
        assert_eq!(answer.0, status, "{call:?}: {}", answer.1);
        assert!(
            answer.1["message"].as_str().unwrap().contains(message),
            "{call:?}: {}",
            answer.1
        );
    };
    for headers in [
        "",
        "authorization: alice-token\r\n",
        "authorization: Bearer eve-token\r\n",
    ] {
        check(headers, call("GET", "/orders"), 401, "Bearer");
        check(headers, post(r#"{"amount":100}"#), 401, "Bearer");
        check(headers, call("DELETE", "/orders/1"), 401, "Bearer");
    }
    let bob = format!("authorization: Bearer {BOB}\r\n");
    check(&bob, call("GET", "/orders/1"), 404, "no order 1");
    check(&bob, call("DELETE", "/orders/1"), 404, "no order 1");
    for name in ["pay", "ship", "refund", "cancel"] {
        check(
            &bob,
            call("POST", &format!("/orders/1/{name}")),
            404,
            "no order 1",
        );
    }
    let alice = format!("authorization: Bearer {ALICE}\r\n");
    check(&alice, call("POST", "/orders/2/ship"), 404, "no order 2");
    check(
        &alice,
        call("POST", "/orders/1/pay"),
        409,
        "order 1 is paid: it cannot be paid",
    );
    check(&alice, post(r#"{"amount":100}"#), 409, "takes 1 orders");
    check(&alice, post(r#"{"amount":0}"#), 422, "amount");
    check(&alice, post(r#"{"amount":1000001}"#), 422, "amount");
    check(&alice, post(r#"{"amount":"100"}"#), 422, "amount");
    check(
        &alice,
        post(r#"{"amount":100,"reference":""}"#),
        422,
        "reference",
    );
    check(&alice, post(r#"{"amount":100,"price":1}"#), 422, "price");
    check(&alice, post(r#"{"amount":"#), 400, "JSON");
    check(&alice, call("POST", "/orders"), 415, "application/json");
    let other_body = Call {
        key: Some("k1"),
        ..post(r#"{"amount":50}"#)
    };
    check(&alice, other_body, 422, "Idempotency-Key");
    check(&alice, call("GET", "/orders/one"), 400, "one");
    check(&alice, call("PUT", "/orders"), 405, "method");
    check(&alice, call("GET", "/nothing"), 404, "/nothing");
    assert_eq!(database.save(), before);
}

#[test]
fn shipped_orders_are_not_deleted() {
    let mut server = Server::start("", 1);
    for (name, status) in [
        ("create", 201),
        ("ship", 200),
        ("delete", 409),
        ("refund", 200),
        ("delete", 204),
    ] {
        assert_eq!(server.send(ALICE, step(name)).unwrap().0, status, "{name}");
    }
}

#[test]
fn a_retry_and_a_taken_reference_make_no_second_order() {
    let mut server = Server::start("", 4);
    let (status, first) = server.send(ALICE, step("create_keyed")).unwrap();
    assert_eq!(status, 201);
    assert_eq!(
        server.send(ALICE, step("create_keyed")).unwrap(),
        (200, first)
    );
    assert_eq!(server.send(ALICE, step("create_named")).unwrap().0, 201);
    assert_eq!(server.send(ALICE, step("create_named")).unwrap().0, 409);
    // Keys and references are a user's own.
    assert_eq!(server.send(BOB, step("create_named")).unwrap().0, 201);
    assert_eq!(server.send(BOB, step("create_keyed")).unwrap().0, 201);
}

#[test]
fn create_and_delete_lead_back_to_the_start() {
    let mut server = Server::start("", 3);
    let database = Database::open(&server);
    let start = database.save();
    for _ in 0..2 {
        let (status, order) = server.send(ALICE, step("create_named")).unwrap();
        let expected = json!({
            "id": 1, "reference": "cart-1", "amount": 100, "status": "paid", "paid": 100, "refunded": 0
        });
        assert_eq!((status, order), (201, expected));
        server.send(ALICE, step("delete")).unwrap();
        assert_eq!(database.save(), start);
    }
}

#[test]
fn orders_outlive_the_process() {
    let mut server = Server::start("", 3);
    server.send(ALICE, step("create")).unwrap();
    let before = server.send(ALICE, call("GET", "/orders")).unwrap();
    server.restart();
    assert_eq!(server.send(ALICE, call("GET", "/orders")).unwrap(), before);
}

#[test]
fn what_it_is_told_wrongly_keeps_it_from_starting() {
    let check = |variable: &str, value: &str, message: &str| {
        let output = binary()
            .env(variable, value)
            .stdout(Stdio::null())
            .output()
            .unwrap();
        let error = String::from_utf8(output.stderr).unwrap();
        assert!(
            !output.status.success() && error.contains(message),
            "{variable}={value}: {error}"
        );
    };
    check(
        "ORDERS_BUGS",
        "double_refund,refunds",
        "unknown bug `refunds`; there are: none, double_refund, ",
    );
    check("PORT", "http", "PORT is `http`");
    check("ORDERS_MAX", "-1", "ORDERS_MAX is `-1`");
    check(
        "DATABASE_PATH",
        "/no/such/place/orders.db",
        "/no/such/place/orders.db",
    );
}

#[cfg(unix)]
#[test]
fn sigterm_ends_it_in_good_order() {
    let mut server = Server::start("", 3);
    assert_eq!(server.send(ALICE, step("create")).unwrap().0, 201);
    let id = server.process().id().to_string();
    assert!(
        std::process::Command::new("kill")
            .arg(id)
            .status()
            .unwrap()
            .success()
    );
    assert!(server.process().wait().unwrap().success());
}
