use std::collections::BTreeSet;
use std::sync::Arc;

use super::base::Base;
use super::counters::Counters;
use super::journal::Place;
use super::position::Position;
use super::stop::Stop;
use super::stream::Stream;
use crate::database::history::Delta;

/// The database is followed by the binary log of its server.
///
/// What the log does not tell is found by comparing those tables with the root: rows that went with a row to which they
/// referred, those of a table that was emptied at once, and all of them after the connection was lost.
#[derive(Debug)]
pub(super) struct Binlog {
    stream: Stream,
    /// Tables that differ from the root in other ways than the log told.
    suspects: BTreeSet<usize>,
    /// Statements of which it is not yet known what they changed.
    statements: Vec<String>,
    /// Up to where the log was read when the counters were.
    counted: Option<Position>,
}

impl Binlog {
    /// Follows from a position on.
    pub(super) async fn open(base: &Base, at: Position) -> Result<Self, Stop> {
        Ok(Self {
            stream: Stream::open(&base.hold.opts, at).await?,
            suspects: BTreeSet::new(),
            statements: Vec::new(),
            counted: None,
        })
    }

    /// The same after the connection was lost, when anything may have happened.
    pub(super) async fn open_again(base: &mut Base) -> Result<Self, Stop> {
        base.expect_same_schema("").await?;
        let status = base.hold.link.server.log_status();
        let end = Position::shown(base.hold.link.rows(status).await?).ok_or(Stop::Again)?;
        let mut again = Self::open(base, end).await?;
        again.suspects = base.plan.all().collect();
        Ok(again)
    }

    /// Learns what was committed since the last look, and what the counters are.
    pub(super) async fn look(&mut self, base: &mut Base) -> Result<(), Stop> {
        let status = base.hold.link.server.log_status();
        let shown = base.stand_still(status).await;
        self.catch_up(base, shown).await?;
        self.counted = Some(self.stream.at().clone());
        Ok(())
    }

    /// Learns what was committed since the last look, but for the counters, which are dear to read.
    pub(super) async fn look_at_rows(&mut self, base: &mut Base) -> Result<(), Stop> {
        let status = base.hold.link.server.log_status();
        let shown = base.expect_quiet(status).await;
        self.catch_up(base, shown).await
    }

    /// The same where a way will be gone, at the end of which the counters are read: what they were until then need be known only
    /// as far as the log tells.
    pub(super) async fn look_before_going(&mut self, base: &mut Base) -> Result<(), Stop> {
        if self.counted.as_ref() == Some(self.stream.at()) {
            self.look_at_rows(base).await?;
        }
        if self.counted.as_ref() != Some(self.stream.at()) {
            self.look(base).await?;
        }
        Ok(())
    }

    async fn catch_up(
        &mut self,
        base: &mut Base,
        shown: Result<Vec<mysql_async::Row>, Stop>,
    ) -> Result<(), Stop> {
        let shown = match shown {
            // A table is gone: the log tells by which statement.
            Err(stop) if stop.is_missing() => {
                base.hold.give_up_attempt().await;
                let status = base.hold.link.server.log_status();
                base.hold.link.rows(status).await?
            }
            shown => shown?,
        };
        self.read(base, shown).await?;
        if let Some(name) = self.stream.prepared() {
            return Err(Stop::Prepared(name.clone()));
        }
        self.explain_statements(base).await?;
        while !self.suspects.is_empty() {
            self.compare(base).await?;
            self.explain_statements(base).await?;
        }
        Ok(())
    }

    /// Reads the log up to its end. Says whether there was anything that concerns this database.
    async fn read(&mut self, base: &mut Base, shown: Vec<mysql_async::Row>) -> Result<bool, Stop> {
        let end = Position::shown(shown).ok_or(Stop::Again)?;
        let news = self.stream.read_until(&end, &base.plan).await?;
        let heard =
            !(news.rows.is_empty() && news.suspects.is_empty() && news.statements.is_empty());
        self.suspects.extend(news.suspects);
        self.statements.extend(news.statements);
        for (table, image, by) in news.rows {
            if !self.suspects.contains(&table) {
                base.journal.count(Place { table, image }, by);
            }
        }
        Ok(heard)
    }

    /// Reads what was written since the last look while nobody can write more. Returns the tables of which more may have changed.
    pub(super) async fn read_rest(&mut self, base: &mut Base) -> Result<BTreeSet<usize>, Stop> {
        let status = base.hold.link.server.log_status();
        let shown = base.hold.link.rows(status).await?;
        self.read(base, shown).await?;
        if !self.statements.is_empty() {
            self.suspects.extend(base.plan.all());
        }
        Ok(std::mem::take(&mut self.suspects))
    }

    /// A statement that leaves the schema as it was may have changed any row.
    async fn explain_statements(&mut self, base: &mut Base) -> Result<(), Stop> {
        if !self.statements.is_empty() {
            base.expect_same_schema(&self.statements.join("; ")).await?;
            self.suspects.extend(base.plan.all());
            self.statements.clear();
        }
        Ok(())
    }

    async fn compare(&mut self, base: &mut Base) -> Result<(), Stop> {
        let tables = self.suspects.clone();
        let status = base.hold.link.server.log_status();
        let (found, shown) = base.read_standing(&tables, status).await?;
        // Whatever the log says of these tables up to there is in what was read.
        self.read(base, shown).await?;
        base.found(found);
        self.suspects.retain(|table| !tables.contains(table));
        Ok(())
    }

    /// Goes a way that begins where the last look ended.
    pub(super) async fn go(
        &mut self,
        base: &mut Base,
        way: &Delta<Place, i64>,
        counters: &Arc<Counters>,
    ) -> Result<(), Stop> {
        if !way.is_empty() {
            let status = base.hold.link.server.log_status();
            let shown = match base.write("START TRANSACTION", way, status).await {
                Err(stop) if stop.is_astray() => {
                    // Rows are not where the log says, so somebody wrote without it.
                    self.suspects.extend(base.plan.all());
                    return Err(Stop::Again);
                }
                shown => shown?,
            };
            // Nobody can change these rows before the commit. Whoever did since the look is in the log by now.
            if self.read(base, shown).await? {
                return Err(Stop::Again);
            }
            base.commit(way).await?;
        } else {
            base.read_counters().await?;
        }
        base.count_like(counters).await?;
        self.counted = Some(self.stream.at().clone());
        Ok(())
    }
}
