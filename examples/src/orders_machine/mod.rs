//! The orders machine: a small shop whose numbers of states and transitions are known exactly.
//!
//! At most K orders, each of which is paid, shipped, refunded and cancelled. A refunded order that is cancelled is refunded
//! again: that is the bug. Every action is tried in every state, and states that break the rule are expanded too, so that with K
//! orders there are 7^0 + 7^1 + .. + 7^K states and 1 + 4K transitions from each.

pub mod http;
#[cfg(feature = "live")]
pub mod live;
pub mod memory;

use venomqa::Config;

/// What can be done to an order, besides creating one.
const VERBS: [&str; 4] = ["pay", "ship", "refund", "cancel"];

/// Status, paid and refunded of an order after this was done to it; `None` if that is refused.
pub(crate) fn after(
    verb: &str,
    status: &str,
    paid: i64,
    refunded: i64,
) -> Option<(&'static str, i64, i64)> {
    Some(match (verb, status) {
        ("pay", "new") => ("paid", 100, refunded),
        ("ship", "paid") => ("shipped", paid, refunded),
        ("refund", "paid" | "shipped") => ("refunded", paid, refunded + 100),
        ("cancel", "new") => ("cancelled", paid, refunded),
        // The bug: what was refunded is refunded again.
        ("cancel", "paid" | "refunded") => ("cancelled", paid, refunded + 100),
        _ => return None,
    })
}

/// The states that there are with at most so many orders.
pub fn states(orders: u32) -> u64 {
    (0..=orders).map(|existing| 7_u64.pow(existing)).sum()
}

/// The transitions that there are with at most so many orders.
pub fn transitions(orders: u32) -> u64 {
    states(orders) * (1 + 4 * u64::from(orders))
}

/// No limits, and states that break the rule are expanded.
pub fn everything() -> Config {
    Config {
        max_depth: u32::MAX,
        budget: None,
        expand_violating: true,
        ..Config::default()
    }
}
