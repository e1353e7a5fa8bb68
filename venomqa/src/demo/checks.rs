use serde::Deserialize;

use crate::{BoxFuture, Exchange, HttpClient, Verdict, ensure, json};

/// A test as most people write them: one endpoint, called once, with the answer that it should give.
pub(super) struct Check {
    /// The endpoint under test, by the name of its action.
    pub(super) name: &'static str,
    /// What it checks, as the end of "it checks that".
    pub(super) about: &'static str,
    run: for<'a> fn(&'a HttpClient) -> BoxFuture<'a, Verdict>,
}

/// What came of a check.
#[derive(Debug)]
pub(super) struct CheckReport {
    pub(super) verdict: Verdict,
    /// What was asked and answered, in order.
    pub(super) exchanges: Vec<Exchange>,
}

/// With each of the demo's bugs, all of them pass.
pub(super) const CHECKS: [Check; 3] = [
    Check {
        name: "create_order",
        about: "a new order is answered with 201, and paid",
        run: |api| Box::pin(create_order(api)),
    },
    Check {
        name: "refund_order",
        about: "a refund is answered with 200, and gives all money back",
        run: |api| Box::pin(refund_order(api)),
    },
    Check {
        name: "cancel_order",
        about: "a cancellation is answered with 200, and gives all money back",
        run: |api| Box::pin(cancel_order(api)),
    },
];

impl Check {
    /// Runs it against a shop without orders.
    pub(super) async fn run(&self, api: &HttpClient) -> CheckReport {
        let verdict = (self.run)(api).await;
        CheckReport {
            verdict,
            exchanges: api.take_exchanges(),
        }
    }
}

#[derive(Deserialize)]
struct Order {
    id: i64,
    amount: i64,
    status: String,
    paid: i64,
    refunded: i64,
}

async fn create_order(api: &HttpClient) -> Verdict {
    let created = api.post("/orders").json(&json!({ "amount": 100 }));
    let created = created.send().await?;
    ensure!(
        created.status() == 201,
        "answered {}, not 201",
        created.status()
    );
    let order: Order = created.json_as()?;
    ensure!(
        (order.amount, order.paid) == (100, 100) && order.status == "paid",
        "the order is {}, with {} of {} paid",
        order.status,
        order.paid,
        order.amount
    );
    Ok(())
}

async fn refund_order(api: &HttpClient) -> Verdict {
    after_creating(api, "refund", "refunded").await
}

async fn cancel_order(api: &HttpClient) -> Verdict {
    after_creating(api, "cancel", "cancelled").await
}

/// Creates an order, does this to it, and requires that it gets this status and that all money went back.
async fn after_creating(api: &HttpClient, what: &str, status: &str) -> Verdict {
    let created = api.post("/orders").json(&json!({ "amount": 100 }));
    let order: Order = created.send().await?.json_as()?;
    let path = format!("/orders/{}/{what}", order.id);
    let answer = api.post(&path).send().await?;
    ensure!(
        answer.status() == 200,
        "answered {}, not 200",
        answer.status()
    );
    let order: Order = answer.json_as()?;
    ensure!(
        order.status == status && order.refunded == order.paid,
        "the order is {}, with {} of {} refunded",
        order.status,
        order.refunded,
        order.paid
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use axum::http::StatusCode;
    use axum::routing::post;
    use axum::{Json, Router};
    use serde_json::Value;
    use tokio::net::TcpListener;

    use super::*;

    fn order(status: &str, refunded: i64) -> Value {
        json!({ "id": 1, "amount": 100, "status": status, "paid": 100, "refunded": refunded })
    }

    /// Runs all checks against a server that answers so to a creation and to whatever is done to the order after it.
    async fn check(created: (u16, Value), done: (u16, Value), broken: [Option<&str>; 3]) {
        let answer = |(status, body): (u16, Value)| {
            let status = StatusCode::from_u16(status).unwrap();
            post(async move || (status, Json(body)))
        };
        let app = Router::new()
            .route("/orders", answer(created))
            .route("/orders/1/{what}", answer(done));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let server = tokio::spawn(async { axum::serve(listener, app).await });

        let api = HttpClient::new(&url).unwrap();
        for (check, broken) in CHECKS.iter().zip(broken) {
            let report = check.run(&api).await;
            let why = report.verdict.err().map(|why| why.to_string());
            assert_eq!(why.as_deref(), broken, "{}", check.name);
            assert!(!report.exchanges.is_empty(), "{}", check.name);
        }
        server.abort();
    }

    #[tokio::test]
    async fn a_wrong_status_fails() {
        check(
            (200, order("paid", 0)),
            (409, json!({})),
            [
                Some("answered 200, not 201"),
                Some("answered 409, not 200"),
                Some("answered 409, not 200"),
            ],
        )
        .await;
    }

    #[tokio::test]
    async fn a_right_status_with_a_wrong_order_fails() {
        check(
            (201, order("new", 0)),
            (200, order("refunded", 50)),
            [
                Some("the order is new, with 100 of 100 paid"),
                Some("the order is refunded, with 50 of 100 refunded"),
                Some("the order is refunded, with 50 of 100 refunded"),
            ],
        )
        .await;
    }

    #[tokio::test]
    async fn only_what_is_right_passes() {
        check(
            (201, order("paid", 0)),
            (200, order("cancelled", 100)),
            [
                None,
                Some("the order is cancelled, with 100 of 100 refunded"),
                None,
            ],
        )
        .await;
    }
}
