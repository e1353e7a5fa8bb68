use venomqa::prelude::*;

#[action]
fn create_order(step: &Step) {
    let _ = step;
}

fn main() {}
