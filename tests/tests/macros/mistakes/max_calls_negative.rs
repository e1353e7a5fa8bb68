use venomqa::prelude::*;

#[action(max_calls = -1)]
fn create_order() {}

fn main() {}
