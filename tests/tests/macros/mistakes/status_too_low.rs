use venomqa::prelude::*;

#[action(expect = 99)]
fn create_order() {}

fn main() {}
