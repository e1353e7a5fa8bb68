use venomqa::prelude::*;

#[invariant]
#[ignore]
fn no_debt() -> bool {
    true
}

fn main() {}
