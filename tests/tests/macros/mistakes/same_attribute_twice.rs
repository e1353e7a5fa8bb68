use venomqa::prelude::*;

#[action]
#[venomqa::action]
fn create_order() {}

fn main() {}
