use venomqa::prelude::*;

#[exploration]
fn orders(api: &HttpClient) -> World {
    World::new(api.clone())
}

fn main() {}
