//! A mock that can go back less far than it could, as other systems cannot.

use std::sync::Mutex;

use venomqa::BoxFuture;
use venomqa::adapters::{About, Checkpoint, Error, Result, Root, RowChange, RowVisitor, Sealed};
use venomqa::prelude::*;

/// Where a system can go.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Reach {
    Anywhere,
    /// To what lies below the present position, as savepoints can.
    Stack,
    /// Back to the start, as a reset does.
    Root,
}

#[derive(Debug)]
pub(crate) struct Limited {
    pub(crate) mock: MockSystem,
    reach: Reach,
    stack: Mutex<Vec<Checkpoint>>,
}

impl Limited {
    /// One cell that holds 0.
    pub(crate) fn new(reach: Reach) -> Self {
        let mock = MockSystem::new()
            .with_table("cell", &["id", "value"], &["id"])
            .with_row("cell", (1, 0));
        Self {
            mock,
            reach,
            stack: Mutex::new(Vec::new()),
        }
    }
}

impl System for Limited {
    fn about(&self) -> About {
        self.mock.about()
    }

    fn begin<'a>(&'a self, visit: RowVisitor<'a>) -> BoxFuture<'a, Result<Root>> {
        Box::pin(async move {
            let root = self.mock.begin(visit).await?;
            self.stack.lock().unwrap().push(root.checkpoint);
            Ok(root)
        })
    }

    fn changes(&self) -> BoxFuture<'_, Result<Vec<RowChange>>> {
        self.mock.changes()
    }

    fn seal(&self) -> BoxFuture<'_, Result<Sealed>> {
        Box::pin(async move {
            let sealed = self.mock.seal().await?;
            self.stack.lock().unwrap().push(sealed.checkpoint);
            Ok(sealed)
        })
    }

    fn can_restore(&self, to: Checkpoint) -> bool {
        let stack = self.stack.lock().unwrap();
        match self.reach {
            Reach::Anywhere => self.mock.can_restore(to),
            Reach::Stack => stack.contains(&to),
            Reach::Root => stack[0] == to,
        }
    }

    fn restore(&self, to: Checkpoint) -> BoxFuture<'_, Result<Vec<RowChange>>> {
        Box::pin(async move {
            if !self.can_restore(to) {
                return Err(Error::OutOfReach {
                    system: "limited".into(),
                    checkpoint: to,
                    why: "it may not go there",
                });
            }
            if self.reach != Reach::Anywhere {
                let mut stack = self.stack.lock().unwrap();
                let depth = stack.iter().position(|own| *own == to).unwrap();
                stack.truncate(depth + 1);
            }
            self.mock.restore(to).await
        })
    }

    fn release(&self, checkpoint: Checkpoint) {
        // What is released from the middle of a stack is not needed any more, but stays where it is.
        if self.reach == Reach::Anywhere {
            self.mock.release(checkpoint);
        }
    }

    fn memory(&self) -> usize {
        self.mock.memory()
    }

    fn close(&self) -> BoxFuture<'_, Result<()>> {
        self.mock.close()
    }
}
