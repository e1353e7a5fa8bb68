use venomqa::prelude::*;

#[invariant(name = "regressions")]
fn no_debt() -> bool {
    true
}

fn main() {}
