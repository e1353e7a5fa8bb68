use super::{Offer, Pair, Strategy};

/// Depth first: goes on from the state found last, so that long sequences come early and jumps back are short.
#[derive(Debug, Default)]
pub struct Dfs {
    stack: Vec<Pair>,
}

impl Strategy for Dfs {
    fn offer(&mut self, offers: &[Offer]) {
        self.stack
            .extend(offers.iter().rev().map(|offer| offer.pair));
    }

    fn next(&mut self) -> Option<Pair> {
        self.stack.pop()
    }
}
