use std::io::Write;
use std::process::Command;
use std::sync::Arc;

use super::checks::CHECKS;
use super::orders::Bug;
use super::promises::PROMISES;
use super::shop::Shop;
use super::show::Show;
use super::world;
use crate::harness::{Console, Progress};
use crate::{Exploration, Result};

/// What `venomqa demo` does: tests that pass, and an exploration that finds what they do not see. All of it happens when it is told.
///
/// ```no_run
/// # use std::process::Command;
/// # use venomqa::demo::{Tour, orders::Bug};
/// # async fn show() -> venomqa::Result<()> {
/// let tour = Tour::new(Some(Bug::DoubleRefund), Command::new("target/debug/orders"));
/// let as_promised = tour.run(&mut std::io::stdout()).await?;
/// # Ok(()) }
/// ```
#[derive(Debug)]
pub struct Tour {
    bug: Option<Bug>,
    server: Command,
}

impl Tour {
    /// A tour of the API with this bug, or with none. The program and the arguments of `server` start the
    /// [`orders`](super::orders) server.
    ///
    /// What is explored shows [`DoubleRefund`](Bug::DoubleRefund), [`StaleState`](Bug::StaleState) and
    /// [`Idempotency`](Bug::Idempotency), each as one violation.
    pub fn new(bug: Option<Bug>, server: Command) -> Self {
        Self { bug, server }
    }

    /// Does everything and tells it, with the styles of a terminal. Says whether it went as promised: all tests passed, and the
    /// exploration found the bug and nothing else.
    ///
    /// # Errors
    ///
    /// The server cannot be started, or `out` takes no more.
    pub async fn run(&self, out: &mut dyn Write) -> Result<bool> {
        let mut show = Show::new(out);
        show.welcome(self.bug)?;
        if !self.check(&mut show).await? {
            show.not_as_promised("a test fails that has to pass with every bug")?;
            return Ok(false);
        }
        let exploration = self.explore(&mut show).await?;
        show.explored(&exploration)?;
        for violation in &exploration.violations {
            show.violation(violation)?;
        }
        if exploration.violations.is_empty() {
            show.coverage(&exploration)?;
        }
        if let Some(why) = self.unlike_promised(&exploration) {
            show.not_as_promised(&why)?;
            return Ok(false);
        }
        show.what_next()?;
        Ok(true)
    }

    /// Runs the tests, each with a shop of its own, and says whether all passed.
    async fn check(&self, show: &mut Show<'_>) -> Result<bool> {
        show.checks_begin(CHECKS.len())?;
        let mut passed = true;
        for check in &CHECKS {
            let shop = Shop::open(&self.server, self.bug).await?;
            let report = check.run(&shop.client()).await;
            passed &= report.verdict.is_ok();
            show.check(check, &report)?;
        }
        Ok(passed)
    }

    async fn explore(&self, show: &mut Show<'_>) -> Result<Exploration> {
        show.exploration_begins()?;
        let shop = Shop::open(&self.server, self.bug).await?;
        let (world, _folder) = shop.into_world();
        let progress = Progress::of("exploring", &Arc::new(Console::stderr()));
        let agent = world::agent(world).observer(progress.observer("exploring", None));
        agent.explore().await
    }

    /// How the result differs from what the demo promises for this bug.
    fn unlike_promised(&self, exploration: &Exploration) -> Option<String> {
        if let Some(shortcoming) = exploration.shortcomings().into_iter().next() {
            return Some(shortcoming);
        }
        if exploration.pairs_left > 0 {
            let left = exploration.pairs_left;
            return Some(format!("{left} pairs of state and action were not tried"));
        }
        let promise = PROMISES
            .iter()
            .find(|promise| Some(promise.broken_by) == self.bug);
        match (promise, &exploration.violations[..]) {
            (None, []) if self.bug.is_none() => None,
            (Some(promise), [found]) if found.rule == promise.name => {
                (!found.is_confirmed()).then(|| "the violation was not confirmed".into())
            }
            (promise, found) => Some(format!(
                "{} was to be broken, and there are {} violations",
                promise.map_or("no rule", |promise| promise.name),
                found.len()
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Action, Agent, Checked, Invariant, MockSystem, Outcome, World};

    #[tokio::test]
    async fn a_rule_that_was_not_checked_is_no_rule_that_held() {
        let tour = Tour::new(None, Command::new("none"));
        let explore = async |checked: Checked| {
            let world = World::without_api().with("db", MockSystem::new());
            let agent = Agent::new(world)
                .action(Action::of_parts("act", |_| {
                    Box::pin(async { Outcome::Done })
                }))
                .invariant(Invariant::of_parts("rule", move |_| {
                    let checked = checked.clone();
                    Box::pin(async { checked })
                }));
            tour.unlike_promised(&agent.explore().await.unwrap())
        };
        assert_eq!(explore(Checked::Held).await, None);
        let told = "rule `rule` could not be evaluated 2 of 2 times, at first because: no answer";
        let doubt = explore(Checked::NotChecked("no answer".into())).await;
        assert_eq!(doubt.as_deref(), Some(told));
    }
}
