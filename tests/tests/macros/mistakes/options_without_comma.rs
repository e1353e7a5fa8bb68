use venomqa::prelude::*;

#[action(max_calls = 3 weight = 4)]
fn create_order() {}

fn main() {}
