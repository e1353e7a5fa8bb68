use venomqa::prelude::*;

#[action]
fn bill(#[api("billing")] #[values(1)] api: &HttpClient) -> Request {
    api.post("/bills")
}

fn main() {}
