use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::Severity;

/// Which (state, action) pair the explorer tries next.
///
/// Under equal path limits, and with no other limit, every strategy visits the same states and reports the same violations;
/// under a limit on steps or time they differ in what they see first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StrategyKind {
    /// Breadth first: shortest sequences first.
    #[default]
    Bfs,
    /// Depth first: long sequences early, few jumps back.
    Dfs,
    /// Actions not tried yet first, then pairs of consecutive actions not tried yet, then breadth first.
    CoverageGuided,
    /// Uniformly among all pairs that wait, from the configuration's seed.
    Random,
    /// An action in proportion to its `weight`, then the earliest state in which it waits.
    Weighted,
}

/// How one exploration is run. Plain data; `#[exploration(...)]` fills it, and environment variables override it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Config {
    /// Which pair is tried next.
    pub strategy: StrategyKind,
    /// The most actions on a path. Default 8.
    pub max_depth: u32,
    /// The most new transitions; none by default.
    pub max_steps: Option<u64>,
    /// The most time to explore, without set-up and confirmation. Default 60 s.
    pub budget: Option<Duration>,
    /// The seed of everything that is drawn by chance.
    pub seed: u64,
    /// Whether to stop at `max_steps` or `budget`, or to leave a state out for another reason, is a failure.
    pub complete: bool,
    /// Whether states in which a rule is broken are explored further.
    pub expand_violating: bool,
    /// The least severity that makes a run fail; violations below it are reported and green.
    pub fail_on: Severity,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            strategy: StrategyKind::Bfs,
            max_depth: 8,
            max_steps: None,
            budget: Some(Duration::from_secs(60)),
            seed: 0,
            complete: false,
            expand_violating: false,
            fail_on: Severity::Low,
        }
    }
}
