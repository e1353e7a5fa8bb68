use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::http::Exchange;

/// One performed action: what was sent, what came back, what it changed.
///
/// An invariant that takes `&Step` gets the last one.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Step {
    /// The action's name, without its arguments.
    pub action: String,
    /// The action with its arguments (`create_order[amount=0]`).
    pub label: String,
    /// The requests that it sent, with their responses, in order.
    pub exchanges: Vec<Exchange>,
    /// The status that counts as the action's: that of the response it returned, or of its last exchange.
    pub status: Option<u16>,
    /// The rows that it changed, one line each (`orders#1: refunded 100 -> 200`).
    pub changes: Vec<String>,
    /// How long the action took.
    pub elapsed: Duration,
}
