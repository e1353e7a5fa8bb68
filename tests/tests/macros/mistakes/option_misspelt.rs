use venomqa::prelude::*;

#[action(max_call = 3)]
fn create_order(api: &HttpClient) -> Request {
    api.post("/orders")
}

fn main() {}
