use venomqa::prelude::*;

#[action(expect = 2xx | 7xx)]
fn create_order() {}

fn main() {}
