use venomqa::prelude::*;

#[invariant(severity = high)]
pub struct NoDebt;

fn main() {}
