use venomqa::prelude::*;

#[invariant(name = "")]
fn no_debt() -> bool {
    true
}

fn main() {}
