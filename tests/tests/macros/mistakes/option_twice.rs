use venomqa::prelude::*;

#[action(weight = 3, weight = 4)]
fn create_order() {}

fn main() {}
