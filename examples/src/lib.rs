//! Servers with bugs that can be switched on, and worlds without a server, assembled by hand: they show the programmatic interface, and
//! tests and benchmarks explore them.

#[cfg(feature = "live")]
pub mod databases;
#[cfg(feature = "live")]
pub mod gateway;
#[cfg(feature = "live")]
pub mod machine;
pub mod orders_machine;
#[cfg(feature = "live")]
pub mod server;
#[cfg(feature = "live")]
pub mod shop;
#[cfg(feature = "live")]
pub mod wallet;
