use venomqa::prelude::*;

pub struct Shop;

impl Shop {
    #[action]
    pub fn create_order() {}
}

fn main() {}
