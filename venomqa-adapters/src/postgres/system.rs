use super::adapter::{PostgresAdapter, Stage};
use super::begun::Begun;
use super::marks::Marks;
use crate::{About, BoxFuture, Checkpoint, Result, Root, RowChange, RowVisitor, Sealed, System};

impl System for PostgresAdapter {
    fn about(&self) -> About {
        self.last_about().clone()
    }

    fn begin<'a>(&'a self, visit: RowVisitor<'a>) -> BoxFuture<'a, Result<Root>> {
        Box::pin(async move {
            let mut stage = self.stage.lock().await;
            let begun = match &mut *stage {
                Stage::Ready(link) => Begun::begin(self, link, visit).await?,
                Stage::Running(_) => return Err(self.misused("begin", "a run has begun already")),
                Stage::Closed => return Err(self.misused("begin", "it was closed")),
            };
            let mut about = begun.about().clone();
            about.gaps.extend(self.told.gap());
            *self.last_about() = about;
            let tables = begun
                .tables()
                .iter()
                .map(|table| self.told.table(table))
                .collect();
            if let Stage::Ready(link) = std::mem::replace(&mut *stage, Stage::Closed) {
                *stage = Stage::Running(begun.session(*link));
            }
            Ok(Root {
                checkpoint: Marks::ROOT,
                tables,
            })
        })
    }

    fn changes(&self) -> BoxFuture<'_, Result<Vec<RowChange>>> {
        Box::pin(async {
            let changes = self.when_quiet("see what changed", |session| session.changes());
            Ok(self.told.changes(changes.await?))
        })
    }

    fn seal(&self) -> BoxFuture<'_, Result<Sealed>> {
        Box::pin(async {
            let sealed = self
                .when_quiet("seal a checkpoint", |session| session.seal())
                .await?;
            Ok(Sealed {
                checkpoint: sealed.checkpoint,
                untold: self.told.changes(sealed.untold),
            })
        })
    }

    fn can_restore(&self, to: Checkpoint) -> bool {
        // Nothing else is on its way: the methods of a system are called one at a time.
        match self.stage.try_lock().as_deref() {
            Ok(Stage::Running(session)) => session.can_restore(to),
            _ => false,
        }
    }

    fn restore(&self, to: Checkpoint) -> BoxFuture<'_, Result<Vec<RowChange>>> {
        Box::pin(async move {
            let restore =
                self.when_quiet("restore a checkpoint", move |session| session.restore(to));
            Ok(self.told.changes(restore.await?))
        })
    }

    fn release(&self, checkpoint: Checkpoint) {
        if let Ok(Stage::Running(session)) = self.stage.try_lock().as_deref_mut() {
            session.release(checkpoint);
        }
    }

    fn memory(&self) -> usize {
        match self.stage.try_lock().as_deref() {
            Ok(Stage::Running(session)) => session.memory(),
            _ => 0,
        }
    }

    fn close(&self) -> BoxFuture<'_, Result<()>> {
        Box::pin(async move {
            self.dismiss_user().await;
            let running = matches!(*self.stage.lock().await, Stage::Running(_));
            // What could not be put back stays recorded in the database, for the next run to try again.
            let retired = match running {
                true => {
                    self.when_quiet("return to the root", |session| session.retire())
                        .await
                }
                false => Ok(None),
            };
            let mut stage = self.stage.lock().await;
            match &mut *stage {
                Stage::Ready(link) => link.close().await,
                Stage::Running(session) => session.link().close().await,
                Stage::Closed => {}
            }
            *stage = Stage::Closed;
            match retired? {
                None => Ok(()),
                Some(missed) => Err(missed),
            }
        })
    }
}
