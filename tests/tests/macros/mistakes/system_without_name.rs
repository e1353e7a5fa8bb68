use venomqa::prelude::*;

#[action]
fn warm_cache(#[system] cache: &World) {
    let _ = cache;
}

fn main() {}
