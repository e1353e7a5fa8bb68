use venomqa::prelude::*;

#[invariant(retries = 3)]
fn no_debt() -> bool {
    true
}

fn main() {}
