use venomqa::prelude::*;

#[action]
fn create_order(system: &impl System) {
    let _ = system;
}

fn main() {}
