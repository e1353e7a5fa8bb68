use venomqa::prelude::*;

#[action(max_calls)]
fn create_order() {}

fn main() {}
