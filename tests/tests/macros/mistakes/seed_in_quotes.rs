use venomqa::prelude::*;

#[exploration(seed = "42")]
fn orders() -> World {
    World::without_api()
}

fn main() {}
