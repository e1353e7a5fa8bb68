use venomqa::prelude::*;

#[action("create")]
fn create_order() {}

fn main() {}
