use venomqa::prelude::*;

#[invariant(severity = "critical")]
fn no_debt() -> bool {
    true
}

fn main() {}
