use venomqa::prelude::*;

pub trait Shop {
    #[action]
    fn create_order();
}

fn main() {}
