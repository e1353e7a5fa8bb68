use venomqa::prelude::*;

#[action(requires())]
fn pay() {}

fn main() {}
