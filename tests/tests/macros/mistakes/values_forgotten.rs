use venomqa::prelude::*;

#[action]
fn create_order(api: &HttpClient, amount: i64) -> Request {
    api.post("/orders").json(&json!({ "amount": amount }))
}

fn main() {}
