use venomqa::prelude::*;

#[action]
fn create_order<S: System>(system: &S) {
    let _ = system;
}

fn main() {}
