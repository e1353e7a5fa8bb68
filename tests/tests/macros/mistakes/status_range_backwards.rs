use venomqa::prelude::*;

#[action(expect = 299-200)]
fn create_order() {}

fn main() {}
