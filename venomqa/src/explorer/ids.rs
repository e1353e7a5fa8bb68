/// A state of the explored graph, numbered in the order of discovery; the initial state is 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StateId(pub u32);

/// An action with its arguments, numbered in the order of registration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ActionId(pub u32);

/// A rule, numbered in the order of registration; VenomQA's own come last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct RuleId(pub(crate) u32);

/// What identifies a state: 128 bits of everything that was observed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Fingerprint(pub(crate) u128);

/// Something to try: an action in a state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Pair {
    /// Where.
    pub state: StateId,
    /// What.
    pub action: ActionId,
}

impl StateId {
    pub(crate) const ROOT: Self = Self(0);

    pub(crate) fn index(self) -> usize {
        self.0 as usize
    }
}

impl ActionId {
    pub(crate) fn index(self) -> usize {
        self.0 as usize
    }
}

impl RuleId {
    pub(crate) fn index(self) -> usize {
        self.0 as usize
    }
}
