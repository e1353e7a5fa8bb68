use venomqa::prelude::*;

#[exploration(complete = 1)]
fn orders() -> World {
    World::without_api()
}

fn main() {}
