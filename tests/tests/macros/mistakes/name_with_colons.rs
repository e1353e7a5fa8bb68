use venomqa::prelude::*;

#[exploration(name = "shop::orders")]
fn orders() -> World {
    World::without_api()
}

fn main() {}
