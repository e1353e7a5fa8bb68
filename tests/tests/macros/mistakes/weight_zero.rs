use venomqa::prelude::*;

#[action(weight = 0)]
fn create_order() {}

fn main() {}
