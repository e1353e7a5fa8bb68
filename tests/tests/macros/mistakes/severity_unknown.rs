use venomqa::prelude::*;

#[invariant(severity = fatal)]
fn no_debt() -> bool {
    true
}

fn main() {}
