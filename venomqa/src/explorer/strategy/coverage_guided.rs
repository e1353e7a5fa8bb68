use std::collections::{BTreeSet, VecDeque};

use super::{ActionId, Offer, Pair, Strategy};

/// Actions that were never performed first, then pairs of consecutive actions that were never performed, then breadth first.
#[derive(Debug, Default)]
pub struct CoverageGuided {
    new_actions: VecDeque<Offer>,
    new_successions: VecDeque<Offer>,
    rest: VecDeque<Pair>,
    actions: BTreeSet<ActionId>,
    successions: BTreeSet<(Option<ActionId>, ActionId)>,
}

impl CoverageGuided {
    fn file(&mut self, offer: Offer) {
        if !self.actions.contains(&offer.pair.action) {
            self.new_actions.push_back(offer);
        } else if !self
            .successions
            .contains(&(offer.previous, offer.pair.action))
        {
            self.new_successions.push_back(offer);
        } else {
            self.rest.push_back(offer.pair);
        }
    }
}

impl Strategy for CoverageGuided {
    fn offer(&mut self, offers: &[Offer]) {
        offers.iter().for_each(|offer| self.file(*offer));
    }

    // What was filed as new may have been covered since: it is filed again, at most twice in its life.
    fn next(&mut self) -> Option<Pair> {
        while let Some(offer) = self.new_actions.pop_front() {
            if !self.actions.contains(&offer.pair.action) {
                return Some(offer.pair);
            }
            self.file(offer);
        }
        while let Some(offer) = self.new_successions.pop_front() {
            if !self
                .successions
                .contains(&(offer.previous, offer.pair.action))
            {
                return Some(offer.pair);
            }
            self.file(offer);
        }
        self.rest.pop_front()
    }

    fn covered(&mut self, previous: Option<ActionId>, action: ActionId) {
        self.actions.insert(action);
        self.successions.insert((previous, action));
    }
}
