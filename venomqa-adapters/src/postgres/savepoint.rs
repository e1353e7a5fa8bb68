use std::sync::Arc;

use super::link::Link;
use super::look::{Found, Look};
use super::marks::Marks;
use super::net::Net;
use super::recover::Departure;
use super::root::Rooted;
use super::run::Run;
use super::schema::Plan;
use super::sequences::Sequences;
use super::session::Session;
use super::shared::Lending;
use super::stop::Stop;
use crate::{BoxFuture, Checkpoint, Error, RowChange, Sealed};

/// Goes back by savepoints of one transaction, on a connection that the application shares.
///
/// What changed is told by the same journal as in the other mode. Its triggers are committed: so it tells also of those who
/// commit to the database without sharing the connection, and leads back to the root if that transaction is ended by somebody.
#[derive(Debug)]
pub(super) struct Savepoint {
    link: Link,
    lending: Lending,
    plan: Plan,
    run: Run,
    /// The savepoints that are set, the oldest first.
    stack: Vec<Level>,
    last: Checkpoint,
    /// The last mark that has been looked at.
    seen: i64,
    /// The rows since the position.
    live: Net,
    /// What came to be known since changes were told last.
    untold: Net,
    departure: Departure,
}

/// A savepoint.
#[derive(Debug)]
struct Level {
    checkpoint: Checkpoint,
    sequences: Arc<Sequences>,
    released: bool,
}

impl Savepoint {
    /// Begins the transaction.
    pub(super) async fn begin(lending: &Lending) -> Result<(), Stop> {
        let mut shared = lending.take().await?;
        shared.begin().await?;
        shared.set(&name(Marks::ROOT)).await
    }

    /// Takes over once it has begun.
    pub(super) fn new(link: Link, lending: Lending, rooted: Rooted) -> Self {
        let root = Level {
            checkpoint: Marks::ROOT,
            sequences: Arc::new(rooted.sequences),
            released: false,
        };
        Self {
            link,
            lending,
            plan: rooted.plan,
            stack: vec![root],
            last: Marks::ROOT,
            seen: rooted.run.mark,
            run: rooted.run,
            live: Net::default(),
            untold: Net::default(),
            departure: Departure::default(),
        }
    }

    async fn look(&mut self) -> Result<Look, Stop> {
        let mut shared = self.lending.take().await?;
        shared.secure().await?;
        self.expect_nothing_elsewhere().await?;
        let look = Look::thoroughly(shared.db().await?, self.seen).await;
        let look = look.map_err(|error| shared.judge(error))?;
        look.expect_complete(&self.link.location)?;
        self.seen = look.upto;
        self.live.add_all(&look.found);
        self.untold.add_all(&look.found);
        Ok(look)
    }

    /// Looks from outside of the transaction: whatever is journaled there was committed by somebody who does not share the connection.
    async fn expect_nothing_elsewhere(&mut self) -> Result<(), Stop> {
        let found = Found::between(self.link.db().await?, 0, i64::MAX).await?;
        let mut net = Net::default();
        net.add_all(&found);
        let Some(change) = net.told(&self.plan).into_iter().next() else {
            return Ok(());
        };
        Err(Stop::Failed(Error::Refused {
            system: self.link.location.name.clone(),
            why: format!("the application does not share the adapter's connection: another one committed `{change}`"),
            remedy: "give it `connection()` of the adapter for all it does, or use another `PostgresMode`".into(),
        }))
    }

    async fn go(&mut self, to: Checkpoint) -> Result<Vec<RowChange>, Stop> {
        let level = self
            .stack
            .iter()
            .position(|level| level.checkpoint == to && !level.released);
        let Some(level) = level else {
            return Err(Stop::Failed(Error::OutOfReach {
                system: self.link.location.name.clone(),
                checkpoint: to,
                why: "it was released, never sealed, or its savepoint went with an older one",
            }));
        };
        self.look().await?;
        let mut shared = self.lending.take().await?;
        shared.go_back(&name(to)).await?;
        shared.secure().await?;
        let put_back = self.stack[level]
            .sequences
            .put_back(shared.db().await?)
            .await;
        put_back.map_err(|error| shared.judge(error))?;
        drop(shared);
        self.stack.truncate(level + 1);
        let untold = self.untold.told(&self.plan);
        self.live.clear();
        self.untold.clear();
        Ok(untold)
    }
}

fn name(checkpoint: Checkpoint) -> String {
    format!("_venomqa_{}", checkpoint.0)
}

impl Session for Savepoint {
    fn link(&mut self) -> &mut Link {
        &mut self.link
    }

    fn changes(&mut self) -> BoxFuture<'_, Result<Vec<RowChange>, Stop>> {
        Box::pin(async {
            self.look().await?;
            self.untold.clear();
            Ok(self.live.told(&self.plan))
        })
    }

    fn seal(&mut self) -> BoxFuture<'_, Result<Sealed, Stop>> {
        Box::pin(async {
            let look = self.look().await?;
            let checkpoint = Checkpoint(self.last.0 + 1);
            let mut shared = self.lending.take().await?;
            shared.set(&name(checkpoint)).await?;
            drop(shared);
            self.last = checkpoint;
            self.stack.push(Level {
                checkpoint,
                sequences: Arc::new(look.sequences),
                released: false,
            });
            let untold = self.untold.told(&self.plan);
            self.live.clear();
            self.untold.clear();
            Ok(Sealed { checkpoint, untold })
        })
    }

    fn can_restore(&self, to: Checkpoint) -> bool {
        self.stack
            .iter()
            .any(|level| level.checkpoint == to && !level.released)
    }

    fn restore(&mut self, to: Checkpoint) -> BoxFuture<'_, Result<Vec<RowChange>, Stop>> {
        Box::pin(self.go(to))
    }

    fn release(&mut self, checkpoint: Checkpoint) {
        for level in &mut self.stack {
            level.released |= level.checkpoint == checkpoint;
        }
    }

    fn memory(&self) -> usize {
        let level = |level: &Level| size_of::<Level>() + level.sequences.bytes();
        self.stack.iter().map(level).sum()
    }

    fn retire(&mut self) -> BoxFuture<'_, Result<Option<Error>, Stop>> {
        Box::pin(async {
            self.lending.take().await?.close().await;
            self.departure.proceed(&mut self.link, &self.run.id).await
        })
    }
}
