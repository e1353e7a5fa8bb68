use super::SqliteAdapter;
use super::session::Session;
use crate::{About, BoxFuture, Checkpoint, Result, Root, RowChange, RowVisitor, System};

impl System for SqliteAdapter {
    fn about(&self) -> About {
        match &*self.session() {
            Some(session) => session.about(),
            None => About {
                name: self.location.name.clone(),
                mechanism: "chosen when the run begins".into(),
                gaps: Vec::new(),
                sees_foreign_commits: true,
            },
        }
    }

    fn begin<'a>(&'a self, visit: RowVisitor<'a>) -> BoxFuture<'a, Result<Root>> {
        Box::pin(async move {
            let open = || Session::open(&self.location, &self.options);
            let session = self.retry("begin", open).await?;
            *self.session() = Some(session);
            self.when_quiet("begin", Session::begin).await?;
            let tables = self
                .when_quiet("begin", |session| session.visit(visit))
                .await?;
            let checkpoint = Session::ROOT;
            Ok(Root { checkpoint, tables })
        })
    }

    fn changes(&self) -> BoxFuture<'_, Result<Vec<RowChange>>> {
        Box::pin(self.when_quiet("see what changed", Session::changes))
    }

    fn seal(&self) -> BoxFuture<'_, Result<Checkpoint>> {
        Box::pin(self.when_quiet("seal a checkpoint", Session::seal))
    }

    fn can_restore(&self, to: Checkpoint) -> bool {
        self.session()
            .as_ref()
            .is_some_and(|session| session.can_restore(to))
    }

    fn restore(&self, to: Checkpoint) -> BoxFuture<'_, Result<Vec<RowChange>>> {
        Box::pin(self.when_quiet("restore a checkpoint", move |session| session.restore(to)))
    }

    fn release(&self, checkpoint: Checkpoint) {
        if let Some(session) = &mut *self.session() {
            session.release(checkpoint);
        }
    }

    fn memory(&self) -> usize {
        self.session().as_ref().map_or(0, Session::memory)
    }

    fn close(&self) -> BoxFuture<'_, Result<()>> {
        Box::pin(async move {
            let began = self.session().is_some();
            let retired = match began {
                true => self.when_quiet("return to the root", Session::retire).await,
                false => Ok(()),
            };
            // What could not be put back stays recorded in the database, for the next run to try again.
            retired.and(self.unlock())
        })
    }
}
