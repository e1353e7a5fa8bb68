//! Strategies: they choose which pair is tried next, and nothing else.

mod bfs;
mod coverage_guided;
mod dfs;
mod random;
mod weighted;

use std::fmt::Debug;

pub use bfs::Bfs;
pub use coverage_guided::CoverageGuided;
pub use dfs::Dfs;
pub use random::Random;
pub use weighted::Weighted;

pub use super::ids::{ActionId, Pair, StateId};
use crate::{Config, StrategyKind};

/// Chooses which (state, action) pair is tried next.
///
/// The explorer offers each pair once, as soon as a path leads to it, and performs what [`next`](Strategy::next) returns until it
/// returns `None`. A strategy must return every pair that it was offered, in an order that depends on nothing but what it
/// was told.
pub trait Strategy: Debug + Send {
    /// Takes in the pairs of one state, in the order in which the actions were registered.
    fn offer(&mut self, offers: &[Offer]);

    /// The pair to try next.
    fn next(&mut self) -> Option<Pair>;

    /// Is told that an action was performed, and which one led to the state in which it was.
    fn covered(&mut self, _previous: Option<ActionId>, _action: ActionId) {}
}

/// A pair that can be tried.
#[derive(Clone, Copy, Debug)]
pub struct Offer {
    /// The pair.
    pub pair: Pair,
    /// The action that led to its state; none for the initial state.
    pub previous: Option<ActionId>,
    /// The action's weight.
    pub weight: u32,
}

pub(crate) fn of_config(config: &Config) -> Box<dyn Strategy> {
    match config.strategy {
        StrategyKind::Bfs => Box::new(Bfs::default()),
        StrategyKind::Dfs => Box::new(Dfs::default()),
        StrategyKind::CoverageGuided => Box::new(CoverageGuided::default()),
        StrategyKind::Random => Box::new(Random::new(config.seed)),
        StrategyKind::Weighted => Box::new(Weighted::new(config.seed)),
    }
}
