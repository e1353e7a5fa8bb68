use std::time::Duration;

use venomqa_adapters::RowChange;

use super::stage::{Stage, State};
use super::systems::none_of;
use crate::explorer::Mark;
use crate::{Error, Result};

/// The state in which every sequence starts.
const ROOT: Mark = Mark(0);

/// How the world is made ready, moved between its states, and put back.
impl Stage {
    /// Makes the present state the root.
    pub(super) async fn make_ready(&mut self) -> Result<Mark> {
        if !self.can_go_back_at_all() {
            return Err(Error::set_up(
                "nothing in this world can go back, so no branch could start where the last one did: add a system \
                 (`World::with`), a server that VenomQA spawns (`with_server`), or a `reset`",
            ));
        }
        self.reset().await?;
        self.wait_until_quiet().await?;
        let mut sum = 0_u128;
        let identity = &mut self.identity;
        let visit = |system: usize, table: &_, row: Option<&_>| match row {
            Some(row) => sum = sum.wrapping_add(identity.row(system, table, row)),
            None => identity.note(system, table),
        };
        let checkpoints = self.world.systems.begin(visit).await?;
        self.position.sum = sum;
        self.position.changes = self.world.systems.iter().map(|_| Vec::new()).collect();
        self.set_up().await?;
        if self.world.hooks.setup.is_some() {
            return self.save_as_root().await;
        }
        let state = State {
            checkpoints,
            sum,
            context: self.context.clone(),
            cookies: self.cookies.clone(),
        };
        self.saved.states = vec![Some(state)];
        Ok(ROOT)
    }

    /// Calls the user's setup. The systems follow already what it changes, so that it is undone at the end like all else.
    async fn set_up(&mut self) -> Result<()> {
        let setup = self.world.hooks.setup.as_ref();
        // Its cookies are those of the initial state.
        self.cookies.clear();
        if self.call_hook("setup", setup).await?.is_some() {
            self.wait_until_quiet().await?;
            self.position.changes = self.world.systems.changes().await?;
            self.witness.note(&self.position.changes, &[]);
        }
        self.cookies = self
            .world
            .apis
            .iter()
            .map(|(_, api)| api.cookies())
            .collect();
        Ok(())
    }

    async fn reset(&mut self) -> Result<()> {
        self.call_hook("reset", self.world.hooks.reset.as_ref())
            .await
            .map(drop)
    }

    async fn save_as_root(&mut self) -> Result<Mark> {
        let root = self.save().await?;
        debug_assert_eq!(root, ROOT);
        let state = self.saved.states[ROOT.0 as usize].as_ref();
        let stuck =
            state.and_then(|state| self.world.systems.first_without_way(&state.checkpoints));
        match stuck {
            None => Ok(root),
            Some(name) => Err(Error::set_up(format!(
                "the system `{name}` goes back only to what it held at the start, without what `setup` changed: prepare it before \
                 the world is made"
            ))),
        }
    }

    fn can_go_back_at_all(&self) -> bool {
        !self.world.systems.is_empty()
            || !self.world.servers.is_empty()
            || self.world.hooks.reset.is_some()
    }

    /// Whether the world goes back to its root only: by a reset, by a server that is restarted for every branch, or because nothing else
    /// is there.
    pub(super) fn only_starts_over(&self) -> bool {
        self.world.hooks.reset.is_some()
            || self
                .world
                .servers
                .iter()
                .any(|(_, server)| server.is_stateful())
            || self.world.systems.is_empty()
    }

    pub(super) async fn save(&mut self) -> Result<Mark> {
        let sealed = self.world.systems.seal().await?;
        self.note_untold(&sealed.untold);
        for (system, untold) in sealed.untold.iter().enumerate() {
            let changes = &mut self.position.changes[system];
            self.position.sum = self
                .position
                .sum
                .wrapping_add(self.identity.delta(system, changes))
                .wrapping_add(self.identity.delta(system, untold));
            changes.clear();
        }
        self.position.unseen = false;
        let state = State {
            checkpoints: sealed.checkpoints,
            sum: self.position.sum,
            context: self.context.clone(),
            cookies: self.cookies.clone(),
        };
        let mark = match self.saved.free.pop() {
            Some(mark) => {
                self.saved.states[mark.0 as usize] = Some(state);
                mark
            }
            None => {
                self.saved.states.push(Some(state));
                Mark((self.saved.states.len() - 1) as u32)
            }
        };
        Ok(mark)
    }

    pub(super) fn let_go(&mut self, mark: Mark) {
        let Some(state) = self.saved.states[mark.0 as usize].take() else {
            return;
        };
        self.world.systems.release(&state.checkpoints);
        self.saved.free.push(mark);
    }

    /// Takes in what arrived outside a step: it came from the rules that nobody has looked after, or from elsewhere.
    fn note_untold(&mut self, untold: &[Vec<RowChange>]) {
        // Nobody has asked yet what an action did that went wrong.
        let change = untold
            .iter()
            .flatten()
            .next()
            .filter(|_| !self.position.unseen);
        let example = change.map(|change| self.shown(change));
        self.suspects.settle(example);
    }

    pub(super) fn can_return(&self, mark: Mark) -> bool {
        let Some(Some(state)) = self.saved.states.get(mark.0 as usize) else {
            return false;
        };
        if mark == ROOT {
            return true;
        }
        !self.only_starts_over() && self.world.systems.can_restore(&state.checkpoints)
    }

    pub(super) async fn return_to(&mut self, mark: Mark) -> Result<()> {
        let restart = self.must_restart() || self.dead_server(Duration::ZERO).await.is_some();
        self.go(mark, restart).await
    }

    /// Whether only fresh servers bring the world back.
    pub(super) fn must_restart(&self) -> bool {
        let nothing_else = self.world.systems.is_empty() && self.world.hooks.reset.is_none();
        nothing_else
            || self
                .world
                .servers
                .iter()
                .any(|(_, server)| server.is_stateful())
    }

    /// Goes back to the root with fresh servers.
    pub(super) async fn start_over(&mut self) -> Result<()> {
        // Down first, so that their last words are not taken for those of the next ones.
        for (_, server) in &self.world.servers {
            server.stop().await?;
        }
        self.log_marks = self
            .world
            .servers
            .iter()
            .map(|(_, server)| server.log_mark())
            .collect();
        self.go(ROOT, true).await
    }

    /// Restores all systems in the order in which they were added. Servers are down meanwhile if they are to start afresh: a server
    /// reads its database when it starts.
    async fn go(&mut self, mark: Mark, restart: bool) -> Result<()> {
        let state = self.saved.states[mark.0 as usize].clone();
        let state =
            state.ok_or_else(|| Error::set_up("a state that was let go of cannot be restored"))?;
        if restart {
            for (_, server) in &self.world.servers {
                server.stop().await?;
            }
        } else {
            self.wait_until_quiet().await?;
        }
        let untold = self.world.systems.restore(&state.checkpoints).await?;
        // A server may write when it stops, which is nobody's doing.
        self.note_untold(if restart { &[] } else { &untold });
        self.position.changes.iter_mut().for_each(Vec::clear);
        self.position.sum = state.sum;
        self.position.unseen = false;
        self.context = state.context;
        self.cookies = state.cookies;
        for ((_, api), cookies) in self.world.apis.iter().zip(&self.cookies) {
            api.set_cookies(cookies.clone());
        }
        if restart {
            for (_, server) in &self.world.servers {
                server.restart().await?;
            }
            self.death_told = false;
        }
        self.reset().await?;
        if restart || self.world.hooks.reset.is_some() {
            self.take_in_start_up().await?;
        }
        // What the set-up changed came back with the systems. Without any it is gone.
        if self.world.systems.is_empty() && self.world.hooks.setup.is_some() {
            self.set_up().await?;
        }
        Ok(())
    }

    /// What a server writes when it starts is none of the actions' doing: states are compared without it.
    async fn take_in_start_up(&mut self) -> Result<()> {
        self.wait_until_quiet().await?;
        let written = self.world.systems.changes().await?;
        for (system, changes) in written.iter().enumerate() {
            self.position.sum = self
                .position
                .sum
                .wrapping_sub(self.identity.delta(system, changes));
        }
        if let Some(change) = written.iter().flatten().next()
            && !self.writes_at_start
        {
            self.writes_at_start = true;
            self.notes.push(format!(
                "starting over changes data, which is left out of the comparison: {}",
                self.shown(change)
            ));
        }
        self.position.changes = written;
        Ok(())
    }

    /// Puts everything back: calls the user's teardown and reset, stops the servers, restores the systems and removes what was
    /// installed in them.
    ///
    /// # Errors
    ///
    /// All that went wrong: what a hook says is no reason not to tell that a database was not put back. All that can be put back is
    /// put back all the same.
    pub(crate) async fn close(&mut self) -> Result<()> {
        let teardown = self.world.hooks.teardown.as_ref();
        let mut failures = Vec::from_iter(self.call_hook("teardown", teardown).await.err());
        // A server of ours that died needs no reset, and cannot be asked for one.
        if self.dead_server(Duration::ZERO).await.is_none() {
            failures.extend(self.reset().await.err());
        }
        for (_, server) in &self.world.servers {
            failures.extend(server.stop().await.err());
        }
        failures.extend(self.world.systems.close().await.err());
        none_of(failures)
    }
}
