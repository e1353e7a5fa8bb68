use venomqa::prelude::*;

#[exploration(budget = 0)]
fn orders() -> World {
    World::without_api()
}

fn main() {}
