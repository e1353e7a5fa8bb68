use venomqa::prelude::*;

#[action]
async fn create_order(api: &HttpClient, name: &String) -> Request {
    api.post(name)
}

fn main() {}
