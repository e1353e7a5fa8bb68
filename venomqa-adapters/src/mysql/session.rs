use std::sync::Arc;

use super::base::{Base, NOTHING};
use super::binlog::Binlog;
use super::checkpoints::Checkpoints;
use super::copy::Copy;
use super::counters::Counters;
use super::definitions::Part;
use super::journal::{Place, told};
use super::precheck::Choice;
use super::run::Stage;
use super::savepoint::Savepoint;
use super::stop::Stop;
use crate::database::history::{Delta, add_reversed};
use crate::database::patience::Patience;
use crate::{BoxFuture, Checkpoint, Result, RowChange};

/// What there is between `begin` and `close`.
#[derive(Debug)]
pub(super) struct Session {
    pub(super) base: Base,
    pub(super) choice: Choice,
    follow: Follow,
    /// Whether an attempt has not ended, because its caller gave up or because a connection was lost.
    broken: bool,
    /// The log, at the end, until what was written into it since the last look is read.
    rest: Option<Box<Binlog>>,
    /// At the end, the rows of which nothing had told that they changed.
    missed: Option<Vec<RowChange>>,
}

/// How the difference between root and live state comes to be known, and how it is undone.
#[derive(Debug)]
pub(super) enum Follow {
    Binlog(Box<Binlog>),
    Copy,
    Savepoint(Savepoint),
}

/// What is attempted at the end.
const RETURN: &str = "return to the root, which the next run or `cleanup` attempts again";

/// What [`Session::seal`] found.
pub(super) struct Sealing {
    pub(super) untold: Vec<RowChange>,
    pub(super) delta: Delta<Place, i64>,
    pub(super) counters: Arc<Counters>,
}

impl Session {
    pub(super) fn new(base: Base, choice: Choice, follow: Follow) -> Self {
        Self {
            base,
            choice,
            follow,
            broken: false,
            rest: None,
            missed: None,
        }
    }

    /// All checkpoints that there are at the root.
    pub(super) fn checkpoints(&self) -> Checkpoints {
        let jumps = !matches!(self.follow, Follow::Savepoint(_));
        Checkpoints::new(self.base.root_counters.clone(), jumps)
    }

    pub(super) async fn changes(&mut self) -> Result<Vec<RowChange>> {
        self.attempt("see what changed", |session| {
            Box::pin(session.look_at_rows())
        })
        .await?;
        let journal = &mut self.base.journal;
        journal.untold.clear();
        Ok(told(&self.base.plan, &journal.delta))
    }

    /// Seals the live state as this checkpoint.
    pub(super) async fn seal(&mut self, checkpoint: Checkpoint) -> Result<Sealing> {
        self.attempt("seal a checkpoint", |session| {
            Box::pin(async move {
                session.look().await?;
                match &mut session.follow {
                    Follow::Savepoint(savepoint) => savepoint.seal(&session.base, checkpoint).await,
                    Follow::Binlog(_) | Follow::Copy => Ok(()),
                }
            })
        })
        .await?;
        let (plan, journal) = (&self.base.plan, &mut self.base.journal);
        let sealing = Sealing {
            untold: told(plan, &journal.untold),
            delta: std::mem::take(&mut journal.delta),
            counters: self.base.counters.clone(),
        };
        journal.arrived();
        Ok(sealing)
    }

    /// Goes to a checkpoint, to which this way leads from the position.
    pub(super) async fn restore(
        &mut self,
        to: Checkpoint,
        from_position: Delta<Place, i64>,
        counters: Arc<Counters>,
    ) -> Result<Vec<RowChange>> {
        self.base.went.clear();
        let before = self.base.counters.clone();
        let restored = self
            .attempt("restore a checkpoint", |session| {
                let (from_position, counters) = (from_position.clone(), counters.clone());
                Box::pin(session.go(to, from_position, counters))
            })
            .await;
        if let Err(error) = restored {
            self.take_back(&before).await?;
            return Err(error);
        }
        let untold = told(&self.base.plan, &self.base.journal.untold);
        self.base.journal.arrived();
        Ok(untold)
    }

    /// Undoes what a restore did that did not come to its end: all is restored, or nothing.
    async fn take_back(&mut self, before: &Arc<Counters>) -> Result<()> {
        let went = std::mem::take(&mut self.base.went);
        if went.is_empty() {
            return Ok(());
        }
        let mut back = Delta::new();
        add_reversed(&mut back, &went);
        self.attempt("take back what was restored only in part", |session| {
            let (back, before) = (back.clone(), before.clone());
            Box::pin(async move {
                let base = &mut session.base;
                base.write("START TRANSACTION", &back, NOTHING).await?;
                base.commit(&back).await?;
                base.count_like(&before).await
            })
        })
        .await
    }

    /// Returns to the root. Tells the rows of which nothing had told that they changed.
    pub(super) async fn retire(&mut self) -> Result<Vec<RowChange>> {
        let looked = match &mut self.follow {
            Follow::Savepoint(savepoint) => {
                if let Err(stop) = savepoint.end(&self.base).await {
                    return Err(self.base.hold.error(stop, RETURN).await);
                }
                false
            }
            // What fails here, such as after a change of the schema, is no obstacle to a comparison.
            Follow::Binlog(_) => self.changes().await.is_ok(),
            Follow::Copy => false,
        };
        if let Follow::Binlog(binlog) = std::mem::replace(&mut self.follow, Follow::Copy) {
            self.rest = looked.then_some(binlog);
        }
        self.attempt(RETURN, |session| Box::pin(session.return_to_root()))
            .await?;
        Ok(self.missed.take().unwrap_or_default())
    }

    async fn return_to_root(&mut self) -> Result<(), Stop> {
        let base = &mut self.base;
        base.put_schema_back(Part::Tables).await?;
        let found = Copy::read_and_lock(base, Part::Tables).await?;
        let heard = match self.rest.take() {
            Some(mut binlog) => binlog.read_rest(base).await.ok(),
            None => None,
        };
        base.journal.untold.clear();
        base.found(found);
        if let Some(suspects) = heard {
            let mut missed = base.journal.untold.clone();
            missed.retain(|place, _| !suspects.contains(&place.table));
            self.missed = Some(told(&base.plan, &missed));
        }
        let (way, counters) = (base.journal.way_to_root(), base.root_counters.clone());
        Copy::go(base, &way, &counters).await?;
        // What may fail for a right that is missing comes when the rows are safe.
        base.put_schema_back(Part::All).await?;
        Stage::at_root(&mut base.hold.link, &base.hold.side).await
    }

    async fn look_at_rows(&mut self) -> Result<(), Stop> {
        match &mut self.follow {
            Follow::Binlog(binlog) => binlog.look_at_rows(&mut self.base).await,
            Follow::Copy | Follow::Savepoint(_) => self.look().await,
        }
    }

    async fn look(&mut self) -> Result<(), Stop> {
        match &mut self.follow {
            Follow::Binlog(binlog) => binlog.look(&mut self.base).await,
            Follow::Copy => Copy::look(&mut self.base).await,
            Follow::Savepoint(savepoint) => savepoint.look(&mut self.base).await,
        }
    }

    async fn go(
        &mut self,
        to: Checkpoint,
        from_position: Delta<Place, i64>,
        counters: Arc<Counters>,
    ) -> Result<(), Stop> {
        let base = &mut self.base;
        match &mut self.follow {
            Follow::Binlog(binlog) => {
                binlog.look_before_going(base).await?;
                let way = base.journal.way(from_position);
                binlog.go(base, &way, &counters).await
            }
            Follow::Copy => {
                let found = Copy::read_and_lock(base, Part::All).await?;
                base.found(found);
                let way = base.journal.way(from_position);
                Copy::go(base, &way, &counters).await
            }
            Follow::Savepoint(savepoint) => {
                savepoint.look(base).await?;
                let way = base.journal.way(from_position);
                savepoint.go(base, &way, to).await
            }
        }
    }

    /// Attempts something until nobody is in the way and the server is there, up to the limit.
    async fn attempt<T>(
        &mut self,
        doing: &str,
        attempt: impl for<'a> Fn(&'a mut Self) -> BoxFuture<'a, Result<T, Stop>>,
    ) -> Result<T> {
        let mut patience = Patience::new(self.base.hold.options.settle);
        loop {
            let outcome = match self.mend().await {
                Ok(()) => {
                    let underway = Underway::new(self);
                    let outcome = attempt(underway.0).await;
                    underway.0.broken = matches!(&outcome, Err(stop) if stop.is_lost());
                    outcome
                }
                Err(stop) => Err(stop),
            };
            let stop = match outcome {
                Ok(value) => return Ok(value),
                Err(stop) => stop,
            };
            self.base.hold.give_up_attempt().await;
            if !stop.is_passing() || !patience.lasts().await {
                return Err(self.base.hold.error(stop, doing).await);
            }
        }
    }

    /// Connects anew where that is needed.
    async fn mend(&mut self) -> Result<(), Stop> {
        if !self.broken && !self.base.hold.link.is_lost() {
            return Ok(());
        }
        self.broken = true;
        self.base.hold.take_again().await?;
        if let Follow::Binlog(binlog) = &mut self.follow {
            **binlog = Binlog::open_again(&mut self.base).await?;
        }
        self.broken = false;
        Ok(())
    }
}

/// An attempt of which the end is not known yet. A caller that gives up before it leaves no transaction and no lock behind.
struct Underway<'a>(&'a mut Session);

impl<'a> Underway<'a> {
    fn new(session: &'a mut Session) -> Self {
        session.broken = true;
        Self(session)
    }
}

impl Drop for Underway<'_> {
    fn drop(&mut self) {
        if self.0.broken {
            self.0.base.hold.link.hang_up();
        }
    }
}
