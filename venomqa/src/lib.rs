//! Finds the bugs of stateful HTTP APIs that hide in sequences of calls.

mod context;
mod error;
pub mod http;
#[cfg(unix)]
pub mod server;

pub use context::Context;
pub use error::{Error, Result};
pub use http::{Cookies, Exchange, HttpClient, Multipart, Request, Response, Role};
pub use serde_json::json;
#[cfg(unix)]
pub use server::Server;
pub use venomqa_adapters::System;

/// Stands in until the explorer has it.
#[derive(Debug)]
pub struct Violation;
