use venomqa::prelude::*;

#[action]
unsafe fn create_order() {}

fn main() {}
