use std::collections::BTreeSet;
use std::fmt;
use std::time::Duration;

use crate::explorer::strategy::{self, Strategy};
use crate::explorer::{self, Replay};
use crate::world::Stage;
use crate::{Action, Config, Error, Event, Exploration, Invariant, Result, World, panics};

/// The explorer of one world, assembled by hand.
///
/// `#[exploration]`, `#[action]` and `#[invariant]` assemble one from what they find; this is the same without macros.
pub struct Agent {
    world: World,
    actions: Vec<Action>,
    invariants: Vec<Invariant>,
    config: Config,
    strategy: Option<Box<dyn Strategy>>,
    observer: Box<dyn FnMut(&Event<'_>) + Send>,
}

impl fmt::Debug for Agent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Agent")
            .field("world", &self.world)
            .field("actions", &self.actions)
            .field("invariants", &self.invariants)
            .field("config", &self.config)
            .finish_non_exhaustive()
    }
}

impl Agent {
    /// An explorer of this world, with no actions and no rules yet.
    pub fn new(world: World) -> Self {
        Self {
            world,
            actions: Vec::new(),
            invariants: Vec::new(),
            config: Config::default(),
            strategy: None,
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

    /// Chooses with this strategy, instead of the one that the configuration names.
    #[must_use]
    pub fn strategy(mut self, strategy: impl Strategy + 'static) -> Self {
        self.strategy = Some(Box::new(strategy));
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
    /// The world could not be made ready. What goes wrong later ends the exploration and is part of its result: nothing that was
    /// found is lost.
    pub async fn explore(mut self) -> Result<Exploration> {
        self.expect_names()?;
        let mut stage = Stage::new(self.world, self.actions, self.invariants);
        let mut strategy = self
            .strategy
            .unwrap_or_else(|| strategy::of_config(&self.config));
        let exploring = explorer::explore(
            &mut stage,
            &self.config,
            &mut *strategy,
            &mut *self.observer,
        );
        let explored = panics::catch(exploring).await;
        let closed = stage.close().await;
        let explored = put_back(unpanicked(explored), closed.as_ref().err());
        let mut exploration = explored?;
        if let Err(error) = closed {
            exploration.not_put_back(&error);
        }
        Ok(exploration)
    }

    /// Executes one sequence from the initial state, the actions given with their arguments (`create_order[amount=0]`), checks the
    /// rules after every step, and puts everything back.
    ///
    /// # Errors
    ///
    /// There is no such action, the world could not be made ready or put back, or the API gave no answer.
    pub async fn replay<I: AsRef<str>>(
        self,
        sequence: impl IntoIterator<Item = I>,
    ) -> Result<Replay> {
        self.expect_names()?;
        let mut stage = Stage::new(self.world, self.actions, self.invariants);
        let sequence: Vec<_> = sequence
            .into_iter()
            .map(|label| label.as_ref().to_owned())
            .collect();
        let replayed = panics::catch(explorer::replay(&mut stage, &sequence)).await;
        let closed = stage.close().await;
        let replayed = put_back(unpanicked(replayed), closed.as_ref().err())?;
        closed.map(|()| replayed)
    }

    /// Refuses names that reports could not tell apart.
    fn expect_names(&self) -> Result<()> {
        let labels = self.actions.iter().map(|action| ("action", &action.label));
        let rules = self.invariants.iter().map(|rule| ("rule", &rule.name));
        let mut seen = BTreeSet::new();
        for (what, name) in labels.chain(rules) {
            if !seen.insert((what, name)) {
                return Err(Error::set_up(format!("two {what}s are called `{name}`")));
            }
        }
        Ok(())
    }
}

/// A panic of a user's strategy, system or observer, or of ours, as an error: the world is put back all the same.
fn unpanicked<T>(result: Result<Result<T>, panics::Panicked>) -> Result<T> {
    result.unwrap_or_else(|panicked| Err(Error::set_up(format!("the run failed: {panicked}"))))
}

/// The error of a run, with what kept the world from being put back.
fn put_back<T>(result: Result<T>, not_put_back: Option<&Error>) -> Result<T> {
    match (result, not_put_back) {
        (Err(error), Some(why)) => Err(Error::set_up(format!(
            "{error}; and the world could not be put back: {why}"
        ))),
        (result, _) => result,
    }
}
