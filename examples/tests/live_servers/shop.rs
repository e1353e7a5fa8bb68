use std::sync::Arc;

use libtest_mimic::Trial;
use tempfile::TempDir;
use venomqa::prelude::*;
use venomqa_examples::databases;

use crate::conversation::{does_not_start, seen, talk};
use crate::{Databases, gateway, trial};

const SHOP: &str = env!("CARGO_BIN_EXE_shop");

pub(crate) fn trials(databases: &Arc<Databases>) -> Vec<Trial> {
    vec![
        trial(
            "shop: it sells what it has, and takes it back",
            databases,
            sells_what_it_has,
        ),
        trial(
            "shop: a subscription goes on until it is cancelled",
            databases,
            subscription_goes_on,
        ),
        trial(
            "shop: refusals say why and change nothing",
            databases,
            refusals_change_nothing,
        ),
        trial(
            "shop: what it is told wrongly keeps it from starting",
            databases,
            told_wrongly,
        ),
    ]
}

/// A shop, its gateway, and what they keep.
struct Stand {
    shop: Server,
    gateway: Server,
    _folder: TempDir,
}

impl Stand {
    async fn new(databases: &Databases, n: u32) -> Self {
        let folder = TempDir::new().expect("a folder");
        let gateway = gateway::start(&folder).await;
        let url = databases.postgres.url(&format!("venomqa_shop_stand_{n}"));
        databases::remake_postgres(&url).await.expect("a database");
        let redis = databases.redis.url(n);
        databases::empty_redis(&redis).await.expect("a cache");
        let mut command = Command::new(SHOP);
        command
            .env("DATABASE_URL", url)
            .env("REDIS_URL", redis)
            .env("GATEWAY_URL", gateway.url());
        let shop = Server::spawn(command).ready_when("/health").await;
        Self {
            shop: shop.expect("the shop starts"),
            gateway,
            _folder: folder,
        }
    }

    async fn charges(&self) -> Value {
        let charges = self.gateway.client().get("/charges").send().await;
        charges.expect("an answer").json().expect("JSON")
    }
}

fn order(id: i64, status: &str) -> Value {
    json!({ "id": id, "product": 1, "status": status })
}

async fn sells_what_it_has(databases: &Databases) {
    let stand = Stand::new(databases, 1).await;
    let api = stand.shop.client();
    let api = api.with_header("Idempotency-Key", "k1");
    let lamp = |stock: i64| json!({ "id": 1, "name": "lamp", "price": 100, "stock": stock });
    let open = |orders: i64| json!({ "open_orders": orders });
    let paid = json!({ "order_id": 2, "amount": 100, "charge_id": 1 });
    let one_lamp = json!({ "product": 1 });
    let talked = [
        ("GET /products/1", Value::Null, 200, lamp(1)),
        ("GET /stats", Value::Null, 200, open(0)),
        ("POST /orders", one_lamp.clone(), 201, order(1, "placed")),
        ("GET /products/1", Value::Null, 200, lamp(0)),
        ("POST /orders", one_lamp.clone(), 409, json!("sold out")),
        ("GET /stats", Value::Null, 200, open(1)),
        (
            "POST /orders/1/cancel",
            Value::Null,
            200,
            order(1, "cancelled"),
        ),
        (
            "POST /orders/1/cancel",
            Value::Null,
            200,
            order(1, "cancelled"),
        ),
        ("GET /stats", Value::Null, 200, open(0)),
        ("GET /products/1", Value::Null, 200, lamp(1)),
        ("POST /orders", one_lamp, 201, order(2, "placed")),
        (
            "POST /orders/1/reorder",
            Value::Null,
            409,
            json!("sold out"),
        ),
        ("POST /orders/2/pay", Value::Null, 200, paid.clone()),
        ("POST /orders/2/pay", Value::Null, 200, paid),
        (
            "POST /orders/1/pay",
            Value::Null,
            422,
            json!("another order"),
        ),
        (
            "DELETE /products/1",
            Value::Null,
            409,
            json!("1 open orders"),
        ),
        (
            "POST /orders/2/cancel",
            Value::Null,
            200,
            order(2, "refunded"),
        ),
        (
            "POST /orders/2/reorder",
            Value::Null,
            409,
            json!("refunded"),
        ),
        (
            "POST /orders/1/reorder",
            Value::Null,
            200,
            order(1, "placed"),
        ),
        (
            "POST /orders/1/cancel",
            Value::Null,
            200,
            order(1, "cancelled"),
        ),
        (
            "GET /orders",
            Value::Null,
            200,
            json!([order(1, "cancelled"), order(2, "refunded")]),
        ),
        ("GET /products/1", Value::Null, 200, lamp(1)),
        ("DELETE /products/1", Value::Null, 204, Value::Null),
        ("GET /products/1", Value::Null, 404, json!("no product 1")),
        (
            "POST /orders/1/reorder",
            Value::Null,
            409,
            json!("sold out"),
        ),
        ("GET /stats", Value::Null, 200, open(0)),
    ];
    talk(&api, talked).await;
    let charge = json!({ "id": 1, "reference": "order 2", "amount": 100, "refunded": true });
    assert_eq!(stand.charges().await, json!([charge]));
}

async fn subscription_goes_on(databases: &Databases) {
    let stand = Stand::new(databases, 2).await;
    let api = stand.shop.client();
    let at = |period: i64, ends_after: Value| json!({ "id": 1, "period": period, "ends_after": ends_after });
    let renewed = |count: i64| json!({ "renewed": count });
    let talked = [
        ("POST /billing", Value::Null, 200, renewed(0)),
        ("POST /subscriptions", Value::Null, 201, at(1, Value::Null)),
        ("POST /subscriptions", Value::Null, 409, json!("already")),
        ("POST /billing", Value::Null, 200, renewed(1)),
        (
            "GET /subscriptions",
            Value::Null,
            200,
            json!([at(2, Value::Null)]),
        ),
        (
            "POST /subscriptions/1/cancel",
            Value::Null,
            200,
            at(2, json!(2)),
        ),
        (
            "POST /subscriptions/1/cancel",
            Value::Null,
            409,
            json!("cancelled already"),
        ),
        ("POST /billing", Value::Null, 200, renewed(0)),
        (
            "GET /subscriptions",
            Value::Null,
            200,
            json!([at(2, json!(2))]),
        ),
    ];
    talk(&api, talked).await;
    let charges = stand.charges().await;
    let references: Vec<_> = charges
        .as_array()
        .expect("a list")
        .iter()
        .map(|charge| charge["reference"].as_str().expect("a text"))
        .collect();
    let expected = ["subscription 1, period 1", "subscription 1, period 2"];
    assert_eq!(references, expected);
}

async fn refusals_change_nothing(databases: &Databases) {
    let stand = Stand::new(databases, 3).await;
    let api = stand.shop.client();
    talk(
        &api,
        [(
            "POST /orders",
            json!({ "product": 1 }),
            201,
            order(1, "placed"),
        )],
    )
    .await;
    let reads = ["/orders", "/products/1", "/subscriptions", "/stats"];
    let before = (seen(&api, &reads).await, stand.charges().await);
    let talked = [
        (
            "POST /orders",
            json!({ "product": 2 }),
            404,
            json!("no product 2"),
        ),
        (
            "POST /orders",
            json!({ "product": "lamp" }),
            422,
            json!("product"),
        ),
        ("POST /orders", Value::Null, 415, json!("application/json")),
        (
            "POST /orders/1/pay",
            Value::Null,
            422,
            json!("Idempotency-Key"),
        ),
        (
            "POST /orders/1/reorder",
            Value::Null,
            409,
            json!("placed, not cancelled"),
        ),
        (
            "POST /orders/2/cancel",
            Value::Null,
            404,
            json!("no order 2"),
        ),
        ("POST /orders/one/cancel", Value::Null, 400, json!("one")),
        (
            "POST /subscriptions/1/cancel",
            Value::Null,
            404,
            json!("no subscription 1"),
        ),
        (
            "DELETE /products/2",
            Value::Null,
            404,
            json!("no product 2"),
        ),
    ];
    talk(&api, talked).await;
    assert_eq!((seen(&api, &reads).await, stand.charges().await), before);
}

async fn told_wrongly(databases: &Databases) {
    let url = &*databases.postgres.url("nowhere");
    let cases = [
        (
            vec![("SHOP_BUGS", "late")],
            "unknown bug `late`; there are: none, stale_cache, ",
        ),
        (
            vec![],
            "DATABASE_URL is not set; it has to be like `postgres://",
        ),
        (vec![("DATABASE_URL", url)], "REDIS_URL is not set"),
        (
            vec![
                ("DATABASE_URL", url),
                ("REDIS_URL", "redis://127.0.0.1:1"),
                ("GATEWAY_URL", "http://127.0.0.1:1"),
            ],
            "cannot use PostgreSQL: error returned from database: database \"nowhere\" does not exist",
        ),
    ];
    for (variables, why) in cases {
        does_not_start(SHOP, &variables, why).await;
    }
}
