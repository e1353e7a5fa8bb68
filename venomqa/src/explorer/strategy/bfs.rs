use std::collections::VecDeque;

use super::{Offer, Pair, Strategy};

/// Breadth first: what was found first is tried first, so that sequences grow by one action at a time.
#[derive(Debug, Default)]
pub struct Bfs {
    queue: VecDeque<Pair>,
}

impl Strategy for Bfs {
    fn offer(&mut self, offers: &[Offer]) {
        self.queue.extend(offers.iter().map(|offer| offer.pair));
    }

    fn next(&mut self) -> Option<Pair> {
        self.queue.pop_front()
    }
}
