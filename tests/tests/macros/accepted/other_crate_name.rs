//! A crate that re-exports VenomQA under its own name says where it is.

mod my {
    pub(crate) mod testing {
        pub(crate) use venomqa::*;
    }
}

use my::testing::{World, action, exploration, invariant};

#[action(crate = my::testing)]
fn act() {}

#[invariant(crate = crate::my::testing)]
fn holds() -> bool {
    true
}

#[exploration(crate = my::testing)]
fn world() -> World {
    World::without_api()
}

fn main() {}
