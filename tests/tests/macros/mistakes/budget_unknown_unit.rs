use venomqa::prelude::*;

#[exploration(budget = "2 days")]
fn orders() -> World {
    World::without_api()
}

fn main() {}
