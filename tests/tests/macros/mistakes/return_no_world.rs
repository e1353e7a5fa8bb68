use venomqa::prelude::*;

#[exploration]
async fn orders() {}

fn main() {}
