//! Each suite, run as users run it, finds each bug that its server can have, and nothing else.

mod orders;
#[cfg(feature = "live")]
mod shop;
mod suite;
#[cfg(feature = "live")]
mod wallet;
