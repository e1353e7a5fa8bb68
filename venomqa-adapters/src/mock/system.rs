use super::MockSystem;
use crate::{
    About, BoxFuture, Checkpoint, Error, Result, Root, RowChange, RowVisitor, Sealed, System,
};

const ROOT: Checkpoint = Checkpoint(0);

impl System for MockSystem {
    fn about(&self) -> About {
        About {
            name: "mock".into(),
            mechanism: "persistent maps".into(),
            gaps: Vec::new(),
            sees_foreign_commits: false,
        }
    }

    fn begin<'a>(&'a self, visit: RowVisitor<'a>) -> BoxFuture<'a, Result<Root>> {
        Box::pin(async move {
            let mut journal = self.journal();
            let checkpoint = journal.begin();
            let live = journal.live().clone();
            drop(journal);
            for (place, row) in &live.rows {
                visit(live.schema.table(place.table), row);
            }
            Ok(Root {
                checkpoint,
                tables: live.schema.tables().to_vec(),
            })
        })
    }

    fn changes(&self) -> BoxFuture<'_, Result<Vec<RowChange>>> {
        Box::pin(async move { Ok(self.journal().changes()) })
    }

    fn seal(&self) -> BoxFuture<'_, Result<Sealed>> {
        Box::pin(async move { Ok(self.journal().seal()) })
    }

    fn can_restore(&self, to: Checkpoint) -> bool {
        self.journal().get(to).is_some()
    }

    fn restore(&self, to: Checkpoint) -> BoxFuture<'_, Result<Vec<RowChange>>> {
        Box::pin(async move {
            let mut journal = self.journal();
            let state = journal.get(to).cloned().ok_or_else(|| Error::OutOfReach {
                system: "the mock".into(),
                checkpoint: to,
                why: "it was released, or never sealed",
            })?;
            Ok(journal.restore(state))
        })
    }

    fn release(&self, checkpoint: Checkpoint) {
        self.journal().release(checkpoint);
    }

    fn memory(&self) -> usize {
        self.journal().memory()
    }

    fn close(&self) -> BoxFuture<'_, Result<()>> {
        Box::pin(async move {
            let mut journal = self.journal();
            if let Some(root) = journal.get(ROOT).cloned() {
                journal.restore(root);
            }
            journal.forget_all();
            Ok(())
        })
    }
}
