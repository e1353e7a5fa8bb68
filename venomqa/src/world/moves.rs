use std::time::Duration;

use super::stage::{Stage, State};
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
        let mut checkpoints = Vec::new();
        let mut sum = 0_u128;
        for (number, (name, system)) in self.world.systems.iter().enumerate() {
            let identity = &mut self.identity;
            let mut add =
                |table: &_, row: &_| sum = sum.wrapping_add(identity.row(number, table, row));
            let root = system.begin(&mut add).await;
            let root = root.map_err(|source| Error::System {
                name: name.clone(),
                source,
            })?;
            root.tables
                .iter()
                .for_each(|table| self.identity.note(number, table));
            checkpoints.push(root.checkpoint);
        }
        self.position.sum = sum;
        self.position.changes = self.world.systems.iter().map(|_| Vec::new()).collect();
        self.set_up().await?;
        self.cookies = self
            .world
            .apis
            .iter()
            .map(|(_, api)| api.cookies())
            .collect();
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
        if let Some(setup) = &self.world.hooks.setup {
            setup(self.world.main_api()?.clone()).await?;
            self.wait_until_quiet().await?;
            self.position.changes = self.changes().await?;
            self.witness.note(&self.position.changes, &[]);
        }
        self.take_exchanges();
        Ok(())
    }

    async fn save_as_root(&mut self) -> Result<Mark> {
        let root = self.save().await?;
        debug_assert_eq!(root, ROOT);
        let state = self.saved.states[ROOT.0 as usize].iter();
        let checkpoints = state.flat_map(|state| &state.checkpoints);
        for ((name, system), checkpoint) in self.world.systems.iter().zip(checkpoints) {
            if !system.can_restore(*checkpoint) {
                return Err(Error::set_up(format!(
                    "the system `{name}` goes back only to what it held at the start, without what `setup` changed: prepare it before \
                     the world is made"
                )));
            }
        }
        Ok(root)
    }

    fn can_go_back_at_all(&self) -> bool {
        !self.world.systems.is_empty()
            || !self.world.servers.is_empty()
            || self.world.hooks.reset.is_some()
    }

    /// Whether the world goes back to its root only: by a reset, by a server that is restarted for every branch, or because nothing else
    /// is there.
    fn only_starts_over(&self) -> bool {
        self.world.hooks.reset.is_some()
            || self
                .world
                .servers
                .iter()
                .any(|(_, server)| server.is_stateful())
            || self.world.systems.is_empty()
    }

    pub(super) async fn save(&mut self) -> Result<Mark> {
        let mut checkpoints = Vec::with_capacity(self.world.systems.len());
        for (number, (name, system)) in self.world.systems.iter().enumerate() {
            let sealed = system.seal().await;
            checkpoints.push(sealed.map_err(|source| Error::System {
                name: name.clone(),
                source,
            })?);
            let changes = &mut self.position.changes[number];
            self.position.sum = self
                .position
                .sum
                .wrapping_add(self.identity.delta(number, changes));
            changes.clear();
        }
        let state = State {
            checkpoints,
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
        for ((_, system), checkpoint) in self.world.systems.iter().zip(&state.checkpoints) {
            system.release(*checkpoint);
        }
        self.saved.free.push(mark);
    }

    pub(super) fn can_return(&self, mark: Mark) -> bool {
        let Some(Some(state)) = self.saved.states.get(mark.0 as usize) else {
            return false;
        };
        if mark == ROOT {
            return true;
        }
        let mut systems = self.world.systems.iter().zip(&state.checkpoints);
        !self.only_starts_over()
            && systems.all(|((_, system), checkpoint)| system.can_restore(*checkpoint))
    }

    pub(super) async fn return_to(&mut self, mark: Mark) -> Result<()> {
        let restart = self.only_starts_over() || self.dead_server(false).await.is_some();
        self.go(mark, restart).await
    }

    /// Goes back to the root with fresh servers.
    pub(super) async fn start_over(&mut self) -> Result<()> {
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
        }
        for (number, ((name, system), checkpoint)) in self
            .world
            .systems
            .iter()
            .zip(&state.checkpoints)
            .enumerate()
        {
            let foreign = system
                .restore(*checkpoint)
                .await
                .map_err(|source| Error::System {
                    name: name.clone(),
                    source,
                })?;
            // A server may write when it stops, and nobody has asked yet what an action did that went wrong.
            if let Some(change) = foreign.first()
                && !restart
                && !self.position.unseen
            {
                self.suspects.foreign(change.to_string());
            }
            self.position.changes[number].clear();
        }
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
            self.take_in_start_up().await?;
        }
        if let Some(reset) = &self.world.hooks.reset {
            reset(self.world.main_api()?.clone()).await?;
            self.take_exchanges();
        }
        Ok(())
    }

    /// What a server writes when it starts is none of the actions' doing: states are compared without it.
    async fn take_in_start_up(&mut self) -> Result<()> {
        let written = self.changes().await?;
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
            self.notes.push(format!("the server changes data when it starts, which is left out of the comparison: {change}"));
        }
        self.position.changes = written;
        Ok(())
    }

    /// Puts everything back: calls the user's teardown, stops the servers, restores the systems and removes what was installed in them.
    ///
    /// # Errors
    ///
    /// The first thing that went wrong. All that can be put back is put back all the same.
    pub(crate) async fn close(&mut self) -> Result<()> {
        let mut first = Ok(());
        if let Some(teardown) = &self.world.hooks.teardown
            && let Ok(api) = self.world.main_api()
        {
            first =
                first.and(within(Duration::from_secs(30), "teardown", teardown(api.clone())).await);
        }
        for (_, server) in &self.world.servers {
            first = first.and(server.stop().await);
        }
        for (name, system) in &self.world.systems {
            let closed = system.close().await.map_err(|source| Error::System {
                name: name.clone(),
                source,
            });
            first = first.and(closed);
        }
        first
    }
}

async fn within(limit: Duration, what: &str, work: impl Future<Output = Result<()>>) -> Result<()> {
    match tokio::time::timeout(limit, work).await {
        Ok(result) => result,
        Err(_) => Err(Error::set_up(format!(
            "the {what} did not end within {limit:?}"
        ))),
    }
}
