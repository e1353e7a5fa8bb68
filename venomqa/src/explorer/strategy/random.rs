use super::{Offer, Pair, Strategy};

/// Uniformly at random among all pairs that wait.
#[derive(Debug)]
pub struct Random {
    waiting: Vec<Pair>,
    rng: fastrand::Rng,
}

impl Random {
    /// The same seed gives the same order.
    pub fn new(seed: u64) -> Self {
        Self {
            waiting: Vec::new(),
            rng: fastrand::Rng::with_seed(seed),
        }
    }
}

impl Strategy for Random {
    fn offer(&mut self, offers: &[Offer]) {
        self.waiting.extend(offers.iter().map(|offer| offer.pair));
    }

    fn next(&mut self) -> Option<Pair> {
        if self.waiting.is_empty() {
            return None;
        }
        Some(
            self.waiting
                .swap_remove(self.rng.usize(..self.waiting.len())),
        )
    }
}
