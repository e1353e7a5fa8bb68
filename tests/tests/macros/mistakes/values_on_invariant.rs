use venomqa::prelude::*;

#[invariant]
fn no_debt(#[values(1, 2)] least: i64) -> bool {
    least > 0
}

fn main() {}
