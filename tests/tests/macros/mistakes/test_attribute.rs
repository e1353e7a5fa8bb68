use venomqa::prelude::*;

#[invariant]
#[test]
fn no_debt() -> bool {
    true
}

fn main() {}
