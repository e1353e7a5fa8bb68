use venomqa::prelude::*;

#[action(max_calls = 5_000_000_000)]
fn create_order() {}

fn main() {}
