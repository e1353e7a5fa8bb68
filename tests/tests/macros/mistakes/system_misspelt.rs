use venomqa::prelude::*;

#[invariant]
fn no_debt(#[sytem("cache")] world: &World) -> bool {
    world.main_api().is_ok()
}

fn main() {}
