use venomqa::prelude::*;

#[invariant(when = always)]
fn no_debt() -> bool {
    true
}

fn main() {}
