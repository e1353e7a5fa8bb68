use venomqa::prelude::*;

#[action(expect = 200 | , may_fail)]
fn create_order() {}

fn main() {}
