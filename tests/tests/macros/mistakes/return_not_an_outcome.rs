use venomqa::prelude::*;

#[action]
async fn create_order(api: &HttpClient) -> u16 {
    api.post("/orders").send().await.map_or(0, |response| response.status())
}

fn main() {}
