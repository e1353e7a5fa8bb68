use venomqa::prelude::*;

#[action]
fn create_order(api: &HttpClient) -> impl Future<Output = ActionResult> {
    api.post("/orders").send()
}

fn main() {}
