use std::time::Duration;

use crate::{Action, Config, Event, Exploration, Invariant, Result, Step, World};

/// The explorer of one world, assembled by hand.
///
/// `#[exploration]`, `#[action]` and `#[invariant]` assemble one from what they find; this is the same without macros.
pub struct Agent {
    world: World,
    actions: Vec<Action>,
    invariants: Vec<Invariant>,
    config: Config,
    observer: Box<dyn FnMut(&Event<'_>) + Send>,
}

/// What came of executing one given sequence from a clean start.
#[derive(Debug)]
#[non_exhaustive]
pub struct Replay {
    /// The steps that were performed, in order.
    pub steps: Vec<Step>,
    /// The rules that were broken, with the number of steps after which they were, and why.
    pub broken: Vec<(String, usize, String)>,
    /// The rules that could not be evaluated, and why.
    pub not_checked: Vec<(String, String)>,
    /// The step that did not apply, if the sequence could not be executed to its end.
    pub stopped_at: Option<usize>,
    /// What the servers of the world printed.
    pub logs: String,
}

impl Agent {
    /// An explorer of this world, with no actions and no rules yet.
    pub fn new(world: World) -> Self {
        Self {
            world,
            actions: Vec::new(),
            invariants: Vec::new(),
            config: Config::default(),
            observer: Box::new(|_| {}),
        }
    }

    /// Adds an action.
    #[must_use]
    pub fn action(mut self, action: Action) -> Self {
        self.actions.push(action);
        self
    }

    /// Adds a rule.
    #[must_use]
    pub fn invariant(mut self, invariant: Invariant) -> Self {
        self.invariants.push(invariant);
        self
    }

    /// Replaces the whole configuration.
    #[must_use]
    pub fn config(mut self, config: Config) -> Self {
        self.config = config;
        self
    }

    /// The most new transitions.
    #[must_use]
    pub fn max_steps(mut self, steps: u64) -> Self {
        self.config.max_steps = Some(steps);
        self
    }

    /// The most actions on a path.
    #[must_use]
    pub fn max_depth(mut self, depth: u32) -> Self {
        self.config.max_depth = depth;
        self
    }

    /// The most time to explore.
    #[must_use]
    pub fn budget(mut self, budget: Duration) -> Self {
        self.config.budget = Some(budget);
        self
    }

    /// Is told what happens, as it happens.
    #[must_use]
    pub fn observer(mut self, observer: impl FnMut(&Event<'_>) + Send + 'static) -> Self {
        self.observer = Box::new(observer);
        self
    }

    /// Explores, and puts everything back.
    ///
    /// # Errors
    ///
    /// The world could not be made ready, or could not be put back. What goes wrong in between ends the exploration and is part of its
    /// result.
    pub async fn explore(self) -> Result<Exploration> {
        Err(crate::Error::set_up("not there yet"))
    }

    /// Executes one sequence from a clean start, the actions given with their arguments (`create_order[amount=0]`), checks the
    /// rules after every step, and puts everything back.
    ///
    /// # Errors
    ///
    /// There is no such action, or the world could not be made ready or put back.
    pub async fn replay(self, _sequence: &[String]) -> Result<Replay> {
        Err(crate::Error::set_up("not there yet"))
    }
}
