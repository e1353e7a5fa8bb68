//! What `venomqa demo` explores: real API servers, each in a process of its own, with bugs that can be switched on.

pub mod orders;
