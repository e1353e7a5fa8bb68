use venomqa::prelude::*;

#[action(requires = "order_id")]
fn pay() {}

fn main() {}
