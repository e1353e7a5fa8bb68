use std::ops::{Deref, DerefMut};
use std::sync::Arc;
use std::time::Duration;

use mysql_async::Conn;
use tokio::sync::{Mutex, OwnedMutexGuard};

use super::base::Base;
use super::checkpoints::Checkpoints;
use super::image::Image;
use super::journal::{Place, told};
use super::link::Link;
use super::root::rows;
use super::stop::Stop;
use crate::database::history::{Change, Delta};
use crate::{Checkpoint, Error};

/// The connection of [`MySqlMode::Savepoint`](super::MySqlMode::Savepoint), lent to the application until this is dropped.
///
/// Between `begin` and `close` it is in a transaction that is not to be ended: no `COMMIT`, no `ROLLBACK` but to a savepoint, no
/// `START TRANSACTION`, no change of the schema.
#[derive(Debug)]
pub struct MySqlConnection(OwnedMutexGuard<Link>);

impl Deref for MySqlConnection {
    type Target = Conn;

    fn deref(&self) -> &Conn {
        self.0.conn_ref().expect("looked at when it was lent")
    }
}

impl DerefMut for MySqlConnection {
    fn deref_mut(&mut self) -> &mut Conn {
        self.0.conn().expect("looked at when it was lent")
    }
}

/// The connection that the application shares.
#[derive(Clone, Debug)]
pub(super) struct Shared(Arc<Mutex<Link>>);

impl Shared {
    pub(super) fn new(link: Link) -> Self {
        Self(Arc::new(Mutex::new(link)))
    }

    /// `None` once the connection is gone.
    pub(super) async fn lend(&self) -> Option<MySqlConnection> {
        let link = self.0.clone().lock_owned().await;
        link.conn_ref().is_some().then(|| MySqlConnection(link))
    }

    /// As [`lend`](Self::lend), but not for longer than this.
    async fn link(&self, system: &str, limit: Duration) -> Result<OwnedMutexGuard<Link>, Stop> {
        let link = tokio::time::timeout(limit, self.0.clone().lock_owned()).await;
        link.map_err(|_| {
            Stop::Failed(Error::Busy {
                system: system.into(),
                why: "the application does not give the connection back that it was lent".into(),
                remedy: "drop what `connection()` returned before the response is sent, or raise `settle`".into(),
            })
        })
    }
}

/// Set after all others, to find out whether the transaction that they are in has been ended.
const PROBE: &str = "_venomqa_probe";

/// What is read must be exact whatever the application set, which is put back afterwards.
const EXACT: &str = "SET @_venomqa_charset = @@character_set_results, @_venomqa_zone = @@time_zone, @_venomqa_mode = @@sql_mode, \
                     character_set_results = NULL, time_zone = '+00:00', sql_mode = ''";
const AS_BEFORE: &str = "SET character_set_results = @_venomqa_charset, time_zone = @_venomqa_zone, sql_mode = @_venomqa_mode";

/// The database is followed on one connection that the application shares, in a transaction that never commits.
#[derive(Debug)]
pub(super) struct Savepoint {
    shared: Shared,
}

fn name(checkpoint: Checkpoint) -> String {
    format!("_venomqa_{}", checkpoint.0)
}

impl Savepoint {
    /// Begins the transaction.
    pub(super) async fn begin(shared: Shared, base: &Base) -> Result<Self, Stop> {
        let savepoint = Self { shared };
        let mut link = savepoint.link(base).await?;
        link.run(&format!(
            "START TRANSACTION WITH CONSISTENT SNAPSHOT; SAVEPOINT {}; SAVEPOINT {PROBE}",
            name(Checkpoints::ROOT)
        ))
        .await?;
        drop(link);
        Ok(savepoint)
    }

    async fn link(&self, base: &Base) -> Result<OwnedMutexGuard<Link>, Stop> {
        let hold = &base.hold;
        self.shared.link(&hold.system, hold.options.settle).await
    }

    /// Learns what the application changed on this connection.
    pub(super) async fn look(&mut self, base: &mut Base) -> Result<(), Stop> {
        let tables = base.plan.all().collect();
        base.load_root(&tables).await?;
        let mut link = self.link(base).await?;
        let probe = link
            .run(&format!("RELEASE SAVEPOINT {PROBE}; SAVEPOINT {PROBE}"))
            .await;
        probe.map_err(|stop| ended(stop, base))?;
        link.run(EXACT).await?;
        let read = read(&mut link, base).await;
        link.run(AS_BEFORE).await?;
        let found = read?;
        drop(link);
        base.found(found);
        self.expect_nothing_elsewhere(base).await
    }

    /// Looks from outside: whatever is to be seen there was committed by somebody who does not share the connection.
    async fn expect_nothing_elsewhere(&self, base: &mut Base) -> Result<(), Stop> {
        let tables = base.plan.all().collect();
        for (number, rows) in base.read(&tables, "").await? {
            let differs = base.root.differs(number, rows).into_iter();
            let delta: Delta<_, _> = differs
                .map(|(image, by)| {
                    let (old, new) = (None, Some(by));
                    let place = Place {
                        table: number,
                        image,
                    };
                    (place, Change { old, new })
                })
                .collect();
            if let Some(change) = told(&base.plan, &delta).first() {
                return Err(Stop::Failed(Error::Refused {
                    system: base.hold.system.clone(),
                    why: format!("the application does not share the adapter's connection: another one committed `{change}`"),
                    remedy: "give it `connection()` of the adapter for all it does, or use another `MySqlMode`".into(),
                }));
            }
        }
        Ok(())
    }

    /// Sets a savepoint at the live state.
    pub(super) async fn seal(&mut self, base: &Base, checkpoint: Checkpoint) -> Result<(), Stop> {
        let sql = format!("SAVEPOINT {}; SAVEPOINT {PROBE}", name(checkpoint));
        let sealed = self.link(base).await?.run(&sql).await;
        sealed.map_err(|stop| ended(stop, base))
    }

    /// Goes back to a savepoint.
    pub(super) async fn go(
        &mut self,
        base: &mut Base,
        way: &Delta<Place, i64>,
        to: Checkpoint,
    ) -> Result<(), Stop> {
        let sql = format!("ROLLBACK TO SAVEPOINT {}; SAVEPOINT {PROBE}", name(to));
        let gone = self.link(base).await?.run(&sql).await;
        gone.map_err(|stop| ended(stop, base))?;
        base.journal.moved(way);
        Ok(())
    }

    /// Ends the transaction without a trace.
    pub(super) async fn end(&mut self, base: &Base) -> Result<(), Stop> {
        let mut link = self.link(base).await?;
        match link.run("ROLLBACK").await {
            // Then the server has done so itself.
            Err(stop) if stop.is_lost() => Ok(()),
            ended => ended,
        }
    }
}

/// All rows that a connection sees.
async fn read(link: &mut Link, base: &Base) -> Result<Vec<(usize, Vec<Image>)>, Stop> {
    let mut found = Vec::new();
    for number in base.plan.all() {
        let from = base.plan.qualified(number);
        found.push((
            number,
            rows(link, &base.plan.tables[number], &from, "").await?,
        ));
    }
    Ok(found)
}

/// The error where the savepoint may be gone.
fn ended(stop: Stop, base: &Base) -> Stop {
    let what = match &stop {
        stop if stop.is_no_savepoint() => {
            "COMMIT (or another end of the transaction, such as ROLLBACK, START TRANSACTION or a change of the schema)"
        }
        stop if stop.is_lost() => "the end of the lent connection",
        _ => return stop,
    };
    Stop::Failed(Error::Irreversible {
        system: base.hold.system.clone(),
        statement: what.into(),
        remedy: "leave the transaction of the lent connection open, or use another `MySqlMode`; closing the run puts \
                 everything back"
            .into(),
    })
}
