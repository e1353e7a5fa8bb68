use venomqa::prelude::*;

#[invariant]
async fn no_debt(api: &HttpClient) -> Result<bool> {
    Ok(api.get("/debt").send().await?.status() == 404)
}

fn main() {}
