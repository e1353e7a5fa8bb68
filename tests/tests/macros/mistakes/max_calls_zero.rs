use venomqa::prelude::*;

#[action(max_calls = 0)]
fn create_order() {}

fn main() {}
