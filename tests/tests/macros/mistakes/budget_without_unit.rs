use venomqa::prelude::*;

#[exploration(budget = "30")]
fn orders() -> World {
    World::without_api()
}

fn main() {}
