use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::counters::{self, Counters, counters};
use super::definitions::{Definitions, Part};
use super::hold::Hold;
use super::image::Image;
use super::journal::{Journal, Place};
use super::options::Ignored;
use super::replay;
use super::root::{Root, rows};
use super::schema::{Plan, quoted};
use super::stop::Stop;
use crate::Error;
use crate::database::history::{Delta, add};

/// A statement that does nothing, where another one has a place.
pub(super) const NOTHING: &str = "DO 0";

/// What all ways to follow a database have in common: the connection, the root, and the difference to it.
#[derive(Debug)]
pub(super) struct Base {
    pub(super) hold: Hold,
    pub(super) ignored: Ignored,
    pub(super) plan: Plan,
    pub(super) definitions: Definitions,
    pub(super) root: Root,
    pub(super) journal: Journal,
    /// Those of the live state, as seen last.
    pub(super) counters: Arc<Counters>,
    pub(super) root_counters: Arc<Counters>,
    /// The rows that were committed on the way to a checkpoint which is not reached yet.
    pub(super) went: Delta<Place, i64>,
    /// The way of which it is not known whether it was committed.
    going: Option<Delta<Place, i64>>,
}

/// The statement that locks tables, each with how it is to be locked.
pub(super) fn lock(tables: impl Iterator<Item = String>) -> String {
    let tables: Vec<_> = tables.collect();
    match tables.is_empty() {
        true => NOTHING.into(),
        false => format!("LOCK TABLES {}", tables.join(", ")),
    }
}

impl Base {
    /// Nothing known yet.
    pub(super) fn new(hold: Hold) -> Self {
        Self {
            ignored: hold.options.ignored.clone(),
            hold,
            plan: Plan::default(),
            definitions: Definitions::default(),
            root: Root::default(),
            journal: Journal::default(),
            counters: Arc::default(),
            root_counters: Arc::default(),
            went: Delta::new(),
            going: None,
        }
    }

    /// The lock that others' open transactions keep us from taking, and that keeps others from writing.
    fn lock(&self, tables: impl IntoIterator<Item = usize>) -> String {
        let tables = tables.into_iter();
        lock(tables.map(|number| format!("{} READ", self.plan.qualified(number))))
    }

    /// A moment at which nobody has a transaction open that wrote: reads its counters, and what another
    /// statement returns then.
    pub(super) async fn stand_still(&mut self, and: &str) -> Result<Vec<mysql_async::Row>, Stop> {
        let sql = format!(
            "{}; {}; {and}; UNLOCK TABLES",
            self.lock(self.plan.all()),
            counters::select(&self.plan)
        );
        let mut sets = self.hold.link.sets(&sql).await?.into_iter().skip(1);
        self.counters = Arc::new(counters(sets.next().unwrap_or_default(), &self.plan)?);
        Ok(sets.next().unwrap_or_default())
    }

    /// The same without the counters, which are dear to read.
    pub(super) async fn expect_quiet(&mut self, and: &str) -> Result<Vec<mysql_async::Row>, Stop> {
        let sql = format!("{}; {and}; UNLOCK TABLES", self.lock(self.plan.all()));
        let mut sets = self.hold.link.sets(&sql).await?.into_iter();
        Ok(sets.nth(1).unwrap_or_default())
    }

    /// Reads the counters alone.
    pub(super) async fn read_counters(&mut self) -> Result<(), Stop> {
        let rows = self.hold.link.rows(&counters::select(&self.plan)).await?;
        self.counters = Arc::new(counters(rows, &self.plan)?);
        Ok(())
    }

    /// All rows of some tables at a moment at which nobody has a transaction open that wrote to them, and what another statement
    /// returns then.
    pub(super) async fn read_standing(
        &mut self,
        tables: &BTreeSet<usize>,
        and: &str,
    ) -> Result<(Vec<(usize, Vec<Image>)>, Vec<mysql_async::Row>), Stop> {
        self.load_root(tables).await?;
        let lock = self.lock(tables.iter().copied());
        self.hold.link.run(&lock).await?;
        let found = self.read(tables, "").await?;
        let sql = format!("{}; {and}; UNLOCK TABLES", counters::select(&self.plan));
        let mut sets = self.hold.link.sets(&sql).await?.into_iter();
        self.counters = Arc::new(counters(sets.next().unwrap_or_default(), &self.plan)?);
        Ok((found, sets.next().unwrap_or_default()))
    }

    /// Has the rows of the root ready.
    pub(super) async fn load_root(&mut self, tables: &BTreeSet<usize>) -> Result<(), Stop> {
        for &number in tables {
            let copy = self.hold.side.copy(number);
            self.root
                .load(&mut self.hold.link, &self.plan, number, &copy)
                .await?;
        }
        Ok(())
    }

    /// All rows of some tables, with what follows the name in the query.
    pub(super) async fn read(
        &mut self,
        tables: &BTreeSet<usize>,
        more: &str,
    ) -> Result<Vec<(usize, Vec<Image>)>, Stop> {
        let mut found = Vec::new();
        for &number in tables {
            let from = self.plan.qualified(number);
            let rows = rows(&mut self.hold.link, &self.plan.tables[number], &from, more).await?;
            found.push((number, rows));
        }
        Ok(found)
    }

    /// Tables were read: this is where they differ from the root.
    pub(super) fn found(&mut self, found: Vec<(usize, Vec<Image>)>) {
        let differs = found
            .into_iter()
            .map(|(number, rows)| (number, self.root.differs(number, rows)));
        let differs: BTreeMap<_, _> = differs.collect();
        if let Some(way) = self.going.take().filter(|way| Journal::went(way, &differs)) {
            self.moved(&way);
        }
        for (number, differs) in differs {
            self.journal.found(number, differs);
        }
    }

    fn moved(&mut self, way: &Delta<Place, i64>) {
        self.journal.moved(way);
        for (place, change) in way {
            add(&mut self.went, place.clone(), change.clone());
        }
    }

    /// Goes a way, between what begins a transaction and a last statement, whose rows it returns. The transaction stays open.
    pub(super) async fn write(
        &mut self,
        first: &str,
        way: &Delta<Place, i64>,
        last: &str,
    ) -> Result<Vec<mysql_async::Row>, Stop> {
        let mut sql = first.to_owned();
        for statement in replay::statements(&self.hold.link, &self.plan, way) {
            if statement.len() + first.len() > self.hold.link.packet {
                return Err(self.too_large());
            }
            // The server forgets what follows a statement of this kind.
            self.hold.link.run(&format!("{sql}; {statement}")).await?;
            sql = NOTHING.into();
        }
        Ok(self.hold.link.sets(last).await?.pop().unwrap_or_default())
    }

    fn too_large(&self) -> Stop {
        Stop::Failed(Error::Irreversible {
            system: self.hold.system.clone(),
            statement: "a change of a row that is larger than what the server takes at a time"
                .into(),
            remedy: "raise the server's `max_allowed_packet` to twice the size of the largest row"
                .into(),
        })
    }

    /// Makes what was written last.
    pub(super) async fn commit(&mut self, way: &Delta<Place, i64>) -> Result<(), Stop> {
        let sql = format!("COMMIT; {}", counters::select(&self.plan));
        // Where the connection is lost before the answer, the next comparison tells how it ended.
        self.going = Some(way.clone());
        let committed = self.hold.link.sets(&sql).await;
        if !matches!(&committed, Err(stop) if stop.is_lost()) {
            self.going = None;
        }
        let set = committed?.pop();
        self.moved(way);
        self.counters = Arc::new(counters(set.unwrap_or_default(), &self.plan)?);
        Ok(())
    }

    /// Sets the counters that differ.
    pub(super) async fn count_like(&mut self, wanted: &Arc<Counters>) -> Result<(), Stop> {
        counters::set(&mut self.hold.link, &self.plan, &self.counters, wanted).await?;
        self.counters = wanted.clone();
        Ok(())
    }

    /// Ends an attempt if the schema is not that of the root.
    pub(super) async fn expect_same_schema(&mut self, statement: &str) -> Result<(), Stop> {
        self.expect_same(Part::All, statement).await
    }

    /// Ends an attempt if a part of the schema is not that of the root.
    pub(super) async fn expect_same(&mut self, part: Part, statement: &str) -> Result<(), Stop> {
        let Some(different) = self.schema_difference(part).await? else {
            return Ok(());
        };
        Err(Stop::Failed(Error::Irreversible {
            system: self.hold.system.clone(),
            statement: match statement {
                "" => format!("a change of {different}"),
                statement => statement.into(),
            },
            remedy: "make the schema before the run begins; closing the run puts the old one back"
                .into(),
        }))
    }

    /// Makes a part of the schema that of the root again.
    pub(super) async fn put_schema_back(&mut self, part: Part) -> Result<(), Stop> {
        if self.schema_difference(part).await?.is_none() {
            return Ok(());
        }
        let ignored = &self.ignored.tables;
        let leaves_out = |table: &str| ignored.contains(table);
        let (link, database) = (&mut self.hold.link, &self.hold.database);
        let put_back = self.definitions.put_back(link, database, leaves_out, part);
        let left = put_back.await?;
        if left.is_empty() {
            return Ok(());
        }
        Err(Stop::Failed(Error::NotRestored {
            system: self.hold.system.clone(),
            why: format!("{} could not be made again as it was", left.join(" and ")),
            remedy: format!(
                "make it by hand if it is still wanted, and `DROP DATABASE {}`",
                quoted(&self.hold.side.database)
            ),
        }))
    }

    pub(super) async fn schema_difference(&mut self, part: Part) -> Result<Option<String>, Stop> {
        let found = self.read_definitions().await?;
        Ok(self.definitions.difference(&found, part))
    }

    /// The definitions that there are now.
    pub(super) async fn read_definitions(&mut self) -> Result<Definitions, Stop> {
        let ignored = &self.ignored.tables;
        let leaves_out = |table: &str| ignored.contains(table);
        Definitions::read(&mut self.hold.link, &self.hold.database, leaves_out).await
    }
}
