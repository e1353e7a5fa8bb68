use venomqa::prelude::*;

#[action]
async fn create_order(api: &HttpClient) -> ActionResult {
    let order = std::rc::Rc::new("/orders");
    api.post(&order).send().await?;
    api.get(&order).send().await
}

fn main() {}
