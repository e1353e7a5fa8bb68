use venomqa::prelude::*;

#[action(max_calls = "3")]
fn create_order(api: &HttpClient, #[values(1, 2)] amount: i64) -> Request {
    api.post("/orders").json(&json!({ "amount": amount }))
}

pub fn twice(api: &HttpClient) -> [Request; 2] {
    [create_order(api, 1), create_order(api, 2)]
}

fn main() {}
