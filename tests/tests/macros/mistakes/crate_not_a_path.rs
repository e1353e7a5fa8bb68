use venomqa::prelude::*;

#[action(crate = "venomqa")]
fn create_order() {}

fn main() {}
