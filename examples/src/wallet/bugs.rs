use crate::server;

/// A mistake that the wallet makes when told to. The module's table says how each one shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bug {
    /// A transfer writes balances that it read before, of which the second undoes the first if both are of one account.
    SelfTransfer,
    /// Nobody looks whether a transfer was reversed before.
    DoubleReversal,
    /// A reversal takes money that was spent since.
    ReversalOverdraws,
    /// A withdrawal only looks whether the account is closed.
    FrozenPays,
    /// A transfer only looks at the account that pays.
    ClosedReceives,
}

impl server::Bug for Bug {
    const ALL: &'static [Self] = &[
        Self::SelfTransfer,
        Self::DoubleReversal,
        Self::ReversalOverdraws,
        Self::FrozenPays,
        Self::ClosedReceives,
    ];

    fn name(self) -> &'static str {
        match self {
            Self::SelfTransfer => "self_transfer",
            Self::DoubleReversal => "double_reversal",
            Self::ReversalOverdraws => "reversal_overdraws",
            Self::FrozenPays => "frozen_pays",
            Self::ClosedReceives => "closed_receives",
        }
    }
}
