use super::RedisAdapter;
use super::entry::tables;
use super::session::Session;
use super::tree::Tree;
use crate::{
    About, BoxFuture, Checkpoint, Error, Result, Root, RowChange, RowVisitor, Sealed, System,
};

impl System for RedisAdapter {
    fn about(&self) -> About {
        self.last_about().clone()
    }

    fn begin<'a>(&'a self, visit: RowVisitor<'a>) -> BoxFuture<'a, Result<Root>> {
        Box::pin(async move {
            let mut place = self.session.lock().await;
            self.expect_unused(place.as_ref())?;
            let tables = tables(&self.options.databases);
            self.told.check(&self.options.system(), tables.values())?;
            let mut session = Session::begin(&self.options, &self.location, &self.server).await?;
            let waiting = session.waiting_clients().await?;
            session.keep_root()?;
            self.tell_about(waiting);
            session.visit(self.told.visitor(visit));
            let tables = tables.values().map(|table| self.told.table(table));
            let tables = tables.collect();
            *self.tree() = Some(session.tree.clone());
            *place = Some(session);
            let checkpoint = Tree::ROOT;
            Ok(Root { checkpoint, tables })
        })
    }

    fn changes(&self) -> BoxFuture<'_, Result<Vec<RowChange>>> {
        Box::pin(async {
            let mut session = self.session.lock().await;
            let session = session.as_mut();
            let session = session.ok_or_else(|| self.not_begun("see what changed"))?;
            Ok(self.told.changes(session.changes().await?))
        })
    }

    fn seal(&self) -> BoxFuture<'_, Result<Sealed>> {
        Box::pin(async {
            let mut session = self.session.lock().await;
            let session = session.as_mut();
            let session = session.ok_or_else(|| self.not_begun("seal a checkpoint"))?;
            let Sealed { checkpoint, untold } = session.seal().await?;
            let untold = self.told.changes(untold);
            Ok(Sealed { checkpoint, untold })
        })
    }

    fn can_restore(&self, to: Checkpoint) -> bool {
        self.tree().as_ref().is_some_and(|tree| tree.contains(to))
    }

    fn restore(&self, to: Checkpoint) -> BoxFuture<'_, Result<Vec<RowChange>>> {
        Box::pin(async move {
            let mut session = self.session.lock().await;
            let session = session.as_mut();
            let session = session.ok_or_else(|| self.not_begun("restore a checkpoint"))?;
            Ok(self.told.changes(session.restore(to).await?))
        })
    }

    fn release(&self, checkpoint: Checkpoint) {
        if let Some(tree) = &*self.tree() {
            tree.release(checkpoint);
        }
    }

    fn memory(&self) -> usize {
        self.tree().as_ref().map_or(0, Tree::bytes)
    }

    fn close(&self) -> BoxFuture<'_, Result<()>> {
        Box::pin(async {
            let session = self.session.lock().await.take();
            let retired = match session {
                None => Ok(None),
                Some(mut session) => session.retire().await,
            };
            // What could not be put back stays in the copy, for the next run to try again.
            let unlocked = self.unlock();
            match retired? {
                None => unlocked,
                Some(missed) => Err(Error::Irreversible {
                    system: self.options.system(),
                    statement: format!("a write that the server did not announce ({missed})"),
                    remedy:
                        "it was put back now, but the run did not see it: use `RedisMode::Dump`"
                            .into(),
                }),
            }
        })
    }
}
