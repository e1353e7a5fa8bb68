use venomqa::prelude::*;

#[exploration(strategy = astar)]
fn orders() -> World {
    World::without_api()
}

fn main() {}
