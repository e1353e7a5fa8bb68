//! Worlds without a server, assembled by hand: they show the programmatic interface, and tests and benchmarks explore them.

pub mod orders_machine;
