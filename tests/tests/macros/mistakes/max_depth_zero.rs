use venomqa::prelude::*;

#[exploration(max_depth = 0)]
fn orders() -> World {
    World::without_api()
}

fn main() {}
