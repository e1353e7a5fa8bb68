use venomqa::prelude::*;

#[action(expect = "2xx")]
fn create_order() {}

fn main() {}
