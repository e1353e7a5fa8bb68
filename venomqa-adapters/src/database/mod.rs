//! What the adapters of real databases share.

#[cfg(any(feature = "sqlite", feature = "postgres"))]
pub(crate) mod contents;
pub(crate) mod exclusive;
pub(crate) mod history;
#[cfg(any(feature = "sqlite", feature = "redis"))]
pub(crate) mod lock;
pub(crate) mod patience;
pub(crate) mod safety;
#[cfg(any(feature = "sqlite", feature = "postgres", feature = "redis"))]
pub(crate) mod told;
