use venomqa::prelude::*;

#[invariant(severity = critcal)]
fn no_debt() -> bool {
    true
}

fn main() {}
