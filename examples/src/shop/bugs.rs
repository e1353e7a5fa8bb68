use crate::server;

/// A mistake that the shop makes when told to. The module's table says how each one shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bug {
    /// A deleted product stays in the cache.
    StaleCache,
    /// A payment that is retried with its idempotency key is charged again.
    IgnoredKey,
    /// A cancelled subscription is renewed once more.
    LateRenewal,
    /// Reordering takes from the stock without a look at it.
    Oversold,
    /// Cancelling what is cancelled already is counted again.
    Miscounted,
}

impl server::Bug for Bug {
    const ALL: &'static [Self] = &[
        Self::StaleCache,
        Self::IgnoredKey,
        Self::LateRenewal,
        Self::Oversold,
        Self::Miscounted,
    ];

    fn name(self) -> &'static str {
        match self {
            Self::StaleCache => "stale_cache",
            Self::IgnoredKey => "ignored_key",
            Self::LateRenewal => "late_renewal",
            Self::Oversold => "oversold",
            Self::Miscounted => "miscounted",
        }
    }
}
