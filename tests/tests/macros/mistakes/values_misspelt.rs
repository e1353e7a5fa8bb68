use venomqa::prelude::*;

#[action]
fn create_order(#[value(1, 2)] amount: i64) {
    let _ = amount;
}

fn main() {}
