use venomqa::prelude::*;

pub struct Shop;

impl Shop {
    #[action]
    pub fn create_order(&self) {}
}

fn main() {}
