use venomqa::prelude::*;

#[action]
#[invariant]
fn create_order() {}

fn main() {}
