use venomqa::prelude::*;

#[invariant]
fn explore() -> bool {
    true
}

fn main() {}
