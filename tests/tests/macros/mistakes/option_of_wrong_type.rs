use venomqa::prelude::*;

#[action(name = create)]
fn create_order() {}

fn main() {}
