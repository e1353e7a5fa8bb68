use venomqa::prelude::*;

#[action(expect = 999)]
fn create_order() {}

fn main() {}
