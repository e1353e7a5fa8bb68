use std::collections::{BTreeMap, VecDeque};

use super::{ActionId, Offer, Pair, Strategy};

/// Draws an action in proportion to its weight among those that wait somewhere, and tries it where it has waited longest.
/// An action of weight 0 is tried when no other waits.
#[derive(Debug)]
pub struct Weighted {
    waiting: BTreeMap<ActionId, Queue>,
    rng: fastrand::Rng,
}

#[derive(Debug)]
struct Queue {
    weight: u32,
    pairs: VecDeque<Pair>,
}

impl Weighted {
    /// The same seed gives the same order.
    pub fn new(seed: u64) -> Self {
        Self {
            waiting: BTreeMap::new(),
            rng: fastrand::Rng::with_seed(seed),
        }
    }

    fn draw(&mut self) -> Option<ActionId> {
        let total: u64 = self
            .waiting
            .values()
            .map(|queue| u64::from(queue.weight))
            .sum();
        if total == 0 {
            return self.waiting.keys().next().copied();
        }
        let mut left = self.rng.u64(..total);
        for (action, queue) in &self.waiting {
            match left.checked_sub(u64::from(queue.weight)) {
                Some(rest) => left = rest,
                None => return Some(*action),
            }
        }
        None
    }
}

impl Strategy for Weighted {
    fn offer(&mut self, offers: &[Offer]) {
        for offer in offers {
            let empty = || Queue {
                weight: offer.weight,
                pairs: VecDeque::new(),
            };
            self.waiting
                .entry(offer.pair.action)
                .or_insert_with(empty)
                .pairs
                .push_back(offer.pair);
        }
    }

    fn next(&mut self) -> Option<Pair> {
        let action = self.draw()?;
        let queue = self.waiting.get_mut(&action)?;
        let pair = queue.pairs.pop_front();
        if queue.pairs.is_empty() {
            self.waiting.remove(&action);
        }
        pair
    }
}
