use venomqa::prelude::*;

#[action(requires("token", order_id))]
fn pay() {}

fn main() {}
