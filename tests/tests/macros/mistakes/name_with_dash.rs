use venomqa::prelude::*;

#[action(name = "create-order")]
fn create_order() {}

fn main() {}
