use venomqa::prelude::*;

#[action]
fn bill(#[api(billing)] api: &HttpClient) -> Request {
    api.post("/bills")
}

fn main() {}
