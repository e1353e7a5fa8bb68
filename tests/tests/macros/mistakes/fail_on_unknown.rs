use venomqa::prelude::*;

#[exploration(fail_on = hi)]
fn orders() -> World {
    World::without_api()
}

fn main() {}
