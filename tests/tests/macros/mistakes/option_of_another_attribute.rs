use venomqa::prelude::*;

#[exploration(max_calls = 3)]
fn orders() -> World {
    World::without_api()
}

fn main() {}
