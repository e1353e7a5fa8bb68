use venomqa::prelude::*;

#[invariant]
fn no_debt(ctx: &mut Context) -> bool {
    ctx.has("debt")
}

fn main() {}
