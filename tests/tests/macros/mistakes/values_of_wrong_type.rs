use venomqa::prelude::*;

#[action]
fn create_order(#[values(1, "two")] amount: i64) {
    let _ = amount;
}

fn main() {}
