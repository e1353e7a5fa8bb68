//! `venomqa demo`: a real API server, in a process of its own, with a bug that can be switched on, tests that do not see the bug,
//! and the exploration that does.

#[cfg(feature = "cli")]
mod checks;
pub mod orders;
#[cfg(feature = "cli")]
mod promises;
pub mod serve;
#[cfg(feature = "cli")]
mod shop;
#[cfg(feature = "cli")]
mod show;
#[cfg(feature = "cli")]
mod tour;
#[cfg(feature = "cli")]
mod world;

#[cfg(feature = "cli")]
pub use tour::Tour;
