use super::ids::Pair;

/// A set of pairs, one bit each.
#[derive(Clone, Debug)]
pub(super) struct PairSet {
    /// The words of one state's actions.
    words: usize,
    bits: Vec<u64>,
}

impl PairSet {
    pub(super) fn new(actions: usize) -> Self {
        Self {
            words: actions.div_ceil(64).max(1),
            bits: Vec::new(),
        }
    }

    /// Adds a pair. Returns whether it was not there.
    pub(super) fn insert(&mut self, pair: Pair) -> bool {
        let word = pair.state.index() * self.words + pair.action.index() / 64;
        if self.bits.len() <= word {
            self.bits.resize((pair.state.index() + 1) * self.words, 0);
        }
        let bit = 1 << (pair.action.index() % 64);
        let new = self.bits[word] & bit == 0;
        self.bits[word] |= bit;
        new
    }

    pub(super) fn contains(&self, pair: Pair) -> bool {
        let word = pair.state.index() * self.words + pair.action.index() / 64;
        let bit = 1 << (pair.action.index() % 64);
        self.bits.get(word).is_some_and(|bits| bits & bit != 0)
    }
}
