use venomqa::prelude::*;

pub struct NotAnError;

#[action]
async fn create_order(api: &HttpClient) -> Result<Response, NotAnError> {
    api.post("/orders").send().await.map_err(|_| NotAnError)
}

fn main() {}
