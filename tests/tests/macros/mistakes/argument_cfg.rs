use venomqa::prelude::*;

#[action]
fn create_order(#[cfg(unix)] ctx: &mut Context) {
    ctx.set("unix", true);
}

fn main() {}
