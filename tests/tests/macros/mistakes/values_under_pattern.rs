use venomqa::prelude::*;

#[action]
fn create_order(#[values((1, 2))] (amount, discount): (i64, i64)) {
    let _ = (amount, discount);
}

fn main() {}
