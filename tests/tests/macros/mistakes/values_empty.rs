use venomqa::prelude::*;

#[action]
fn create_order(#[values()] amount: i64) {
    let _ = amount;
}

fn main() {}
