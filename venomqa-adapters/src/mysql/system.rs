use tokio::sync::MutexGuard;

use super::MySqlAdapter;
use super::adapter::State;
use super::begin::begin;
use super::checkpoints::Checkpoints;
use super::gaps::gaps;
use super::session::Session;
use crate::{
    About, BoxFuture, Checkpoint, Error, Result, Root, RowChange, RowVisitor, Sealed, System,
};

impl System for MySqlAdapter {
    fn about(&self) -> About {
        self.last_about().clone()
    }

    fn begin<'a>(&'a self, visit: RowVisitor<'a>) -> BoxFuture<'a, Result<Root>> {
        Box::pin(async move {
            let mut state = self.state.lock().await;
            let hold = match std::mem::replace(&mut *state, State::Closed) {
                State::Held(hold) => hold,
                other => {
                    let why = match &other {
                        State::Running(_) => "a run has begun already",
                        _ => "it was closed",
                    };
                    *state = other;
                    return Err(self.failed("begin", why));
                }
            };
            let mut session = match begin(*hold, self.shared.clone(), visit).await {
                Ok(session) => session,
                Err(failed) => {
                    let (hold, error) = *failed;
                    *state = State::Held(Box::new(hold));
                    return Err(error);
                }
            };
            *self.last_about() = about(&mut session).await;
            let tables = session.base.plan.tables.iter();
            let tables = tables.map(|table| table.table.clone()).collect();
            *self.checkpoints() = Some(session.checkpoints());
            *state = State::Running(Box::new(session));
            let checkpoint = Checkpoints::ROOT;
            Ok(Root { checkpoint, tables })
        })
    }

    fn changes(&self) -> BoxFuture<'_, Result<Vec<RowChange>>> {
        Box::pin(async move { self.running("see what changed").await?.changes().await })
    }

    fn seal(&self) -> BoxFuture<'_, Result<Sealed>> {
        Box::pin(async move {
            let mut session = self.running("seal a checkpoint").await?;
            let next = self.with_checkpoints(|checkpoints| checkpoints.next())?;
            let sealing = session.seal(next).await?;
            let untold = sealing.untold;
            let checkpoint = self.with_checkpoints(|checkpoints| {
                checkpoints.add_child(sealing.delta, sealing.counters)
            })?;
            Ok(Sealed { checkpoint, untold })
        })
    }

    fn can_restore(&self, to: Checkpoint) -> bool {
        let checkpoints = self.checkpoints();
        checkpoints
            .as_ref()
            .is_some_and(|checkpoints| checkpoints.can_restore(to))
    }

    fn restore(&self, to: Checkpoint) -> BoxFuture<'_, Result<Vec<RowChange>>> {
        Box::pin(async move {
            let mut session = self.running("restore a checkpoint").await?;
            if !self.can_restore(to) {
                return Err(Error::OutOfReach {
                    system: session.base.hold.system.clone(),
                    checkpoint: to,
                    why: "it was released, or never sealed, or gone back over",
                });
            }
            let (way, counters) = self.with_checkpoints(|checkpoints| checkpoints.way(to))?;
            let untold = session.restore(to, way, counters).await?;
            self.with_checkpoints(|checkpoints| checkpoints.move_to(to))?;
            Ok(untold)
        })
    }

    fn release(&self, checkpoint: Checkpoint) {
        if let Some(checkpoints) = &mut *self.checkpoints() {
            checkpoints.release(checkpoint);
        }
    }

    fn memory(&self) -> usize {
        self.checkpoints().as_ref().map_or(0, Checkpoints::bytes)
    }

    fn close(&self) -> BoxFuture<'_, Result<()>> {
        Box::pin(async move {
            let mut state = self.state.lock().await;
            self.hang_up().await;
            *self.checkpoints() = None;
            let (hold, missed) = match std::mem::replace(&mut *state, State::Closed) {
                State::Closed => return Ok(()),
                State::Held(hold) => (*hold, Ok(Vec::new())),
                State::Running(mut session) => {
                    let missed = session.retire().await;
                    (session.base.hold, missed)
                }
            };
            let system = hold.system.clone();
            let removed = match &missed {
                Ok(_) => hold.remove_and_release().await,
                // What could not be put back stays recorded beside the database, for the next run to try again.
                Err(_) => {
                    hold.release().await;
                    Ok(())
                }
            };
            match missed?.first() {
                None => removed,
                Some(missed) => Err(Error::Irreversible {
                    system,
                    statement: format!("a write that is not in the binary log ({missed})"),
                    remedy: "the contents were put back from a copy, but the run did not see them change: use `MySqlMode::Copy`".into(),
                }),
            }
        })
    }
}

impl MySqlAdapter {
    async fn running(&self, doing: &str) -> Result<tokio::sync::MappedMutexGuard<'_, Session>> {
        let state = self.state.lock().await;
        let session = MutexGuard::try_map(state, |state| match state {
            State::Running(session) => Some(&mut **session),
            _ => None,
        });
        session.map_err(|_| self.failed(doing, "no run has begun, or it was closed"))
    }

    fn with_checkpoints<T>(&self, what: impl FnOnce(&mut Checkpoints) -> T) -> Result<T> {
        let mut checkpoints = self.checkpoints();
        let checkpoints = checkpoints.as_mut();
        checkpoints
            .map(what)
            .ok_or_else(|| self.failed("look at its checkpoints", "it was closed"))
    }
}

async fn about(session: &mut Session) -> About {
    About {
        name: session.base.hold.system.clone(),
        mechanism: session.choice.mechanism.clone(),
        gaps: gaps(&mut session.base, session.choice.mode).await,
        sees_foreign_commits: true,
    }
}
