use std::sync::Arc;

use sqlx::postgres::PgConnection;

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
use super::stop::Stop;
use crate::{BoxFuture, Checkpoint, Error, RowChange, Sealed};

/// Follows the journal that the triggers write, and goes back by it.
#[derive(Debug)]
pub(super) struct Journal {
    link: Link,
    plan: Plan,
    run: Run,
    marks: Marks,
    /// The last mark that has been looked at.
    seen: i64,
    /// The number that the next transaction would have got when that was looked at, where it is known that nobody was writing then.
    next_xid: Option<String>,
    /// The marks since the position.
    live_marks: Vec<i64>,
    /// The rows under them.
    live: Net,
    /// What came to be known since changes were told last.
    untold: Net,
    /// A restore of which it is not known whether it came through.
    pending: Option<Checkpoint>,
    /// What a restore found of which only later it came to be known that it had come through.
    carried: Vec<RowChange>,
    departure: Departure,
}

impl Journal {
    pub(super) fn new(link: Link, rooted: Rooted) -> Self {
        Self {
            link,
            plan: rooted.plan,
            marks: Marks::new(Arc::new(rooted.sequences)),
            seen: rooted.run.mark,
            run: rooted.run,
            next_xid: None,
            live_marks: Vec::new(),
            live: Net::default(),
            untold: Net::default(),
            pending: None,
            carried: Vec::new(),
            departure: Departure::default(),
        }
    }

    /// The connection, once it is certain where the run stands.
    async fn db(&mut self) -> Result<&mut PgConnection, Stop> {
        if !self.link.is_connected() || self.pending.is_some() {
            self.resume().await?;
        }
        self.link.db().await
    }

    /// Learns from the record of the run whether it still goes on, and whether the last restore came through.
    ///
    /// A server that crashed has forgotten what was not on disk yet, ours first: the application waits for its commits, we do not.
    async fn resume(&mut self) -> Result<(), Stop> {
        self.next_xid = None;
        let run = Run::expect(&mut self.link, &self.run.id).await?;
        let db = self.link.db().await?;
        let mark: i64 = sqlx::query_scalar("SELECT last_value FROM _venomqa.mark")
            .fetch_one(&mut *db)
            .await?;
        match (run.step - self.run.step, self.pending) {
            _ if mark <= self.seen => return Err(self.forgotten()),
            (0, _) => {}
            (1, Some(to)) => {
                let found = Found::between(db, self.seen, run.mark).await?;
                self.learn(&found);
                self.carried = self.untold.told(&self.plan);
                self.run = run;
                self.arrived(to, self.run.mark);
            }
            _ => return Err(self.forgotten()),
        }
        self.pending = None;
        Ok(())
    }

    /// The end of a run of which the server has forgotten something. What it remembers leads back to the root all the same.
    fn forgotten(&mut self) -> Stop {
        // Whatever is asked next ends here too.
        self.link.break_off();
        Stop::Failed(Error::Database {
            system: self.link.location.name.clone(),
            doing: "go on".into(),
            source: "the server crashed and has forgotten what this run did last; run again: what it did before is put back".into(),
        })
    }

    async fn look(&mut self, with_sequences: bool) -> Result<Look, Stop> {
        let seen = self.seen;
        let look = Look::at(self.db().await?, seen, with_sequences).await?;
        self.accept(&look)?;
        Ok(look)
    }

    /// What the sequences hold, after a look that most often finds nothing new.
    async fn sequences_after_look(&mut self) -> Result<Sequences, Stop> {
        self.db().await?;
        if let Some(next_xid) = &self.next_xid
            && let Some(sequences) = Look::glance(self.link.db().await?, next_xid).await?
        {
            return Ok(sequences);
        }
        Ok(self.look(true).await?.sequences)
    }

    /// Takes in what a look found, or says why it found nothing.
    fn accept(&mut self, look: &Look) -> Result<(), Stop> {
        look.expect_complete(&self.link.location)?;
        self.seen = look.upto;
        self.next_xid.clone_from(&look.next_xid);
        self.learn(&look.found);
        Ok(())
    }

    fn learn(&mut self, found: &Found) {
        self.live_marks.extend(found.marks());
        self.live.add_all(found);
        self.untold.add_all(found);
    }

    async fn go(&mut self, to: Checkpoint) -> Result<Vec<RowChange>, Stop> {
        self.db().await?;
        let Some(sequences) = self.marks.sequences(to).cloned() else {
            return Err(Stop::Failed(Error::OutOfReach {
                system: self.link.location.name.clone(),
                checkpoint: to,
                why: "it was released, or never sealed",
            }));
        };
        let way = self.marks.way(to);
        // Most often there is nothing to do, which is no step of the run.
        if self.live_marks.is_empty() && way.is_empty() {
            let held = self.sequences_after_look().await?;
            if self.live_marks.is_empty() && held == *sequences {
                let untold = std::mem::take(&mut self.carried);
                self.marks.move_to(to);
                return Ok(untold);
            }
        }
        let dead = self.marks.dead();
        self.pending = Some(to);
        let restored = Look::restore(
            self.link.db().await?,
            &self.run,
            self.seen,
            &self.live_marks,
            &way,
            dead,
            &sequences,
        )
        .await;
        let look = restored.map_err(|error| {
            let stop = Stop::from(error);
            // What the server refused did not happen; of a broken connection one cannot know.
            if !stop.is_lost() {
                self.pending = None;
            }
            stop
        })?;
        self.pending = None;
        self.accept(&look)?;
        let mut untold = std::mem::take(&mut self.carried);
        untold.extend(self.untold.told(&self.plan));
        self.marks.forget_dead();
        self.run.step += 1;
        self.arrived(to, look.upto);
        Ok(untold)
    }

    fn arrived(&mut self, at: Checkpoint, seen: i64) {
        self.seen = seen;
        self.marks.bury(self.live_marks.drain(..));
        self.live.clear();
        self.untold.clear();
        self.marks.move_to(at);
    }
}

impl Session for Journal {
    fn link(&mut self) -> &mut Link {
        &mut self.link
    }

    fn changes(&mut self) -> BoxFuture<'_, Result<Vec<RowChange>, Stop>> {
        Box::pin(async {
            self.look(false).await?;
            self.untold.clear();
            self.carried.clear();
            Ok(self.live.told(&self.plan))
        })
    }

    fn seal(&mut self) -> BoxFuture<'_, Result<Sealed, Stop>> {
        Box::pin(async {
            let held = self.sequences_after_look().await?;
            let untold = self.untold.told(&self.plan);
            let marks = std::mem::take(&mut self.live_marks);
            self.live.clear();
            self.untold.clear();
            self.carried.clear();
            let checkpoint = self.marks.seal(marks, Arc::new(held));
            Ok(Sealed { checkpoint, untold })
        })
    }

    fn can_restore(&self, to: Checkpoint) -> bool {
        self.marks.contains(to)
    }

    fn restore(&mut self, to: Checkpoint) -> BoxFuture<'_, Result<Vec<RowChange>, Stop>> {
        Box::pin(self.go(to))
    }

    fn release(&mut self, checkpoint: Checkpoint) {
        self.marks.release(checkpoint);
    }

    fn memory(&self) -> usize {
        self.marks.bytes()
    }

    fn retire(&mut self) -> BoxFuture<'_, Result<Option<Error>, Stop>> {
        Box::pin(self.departure.proceed(&mut self.link, &self.run.id))
    }
}
