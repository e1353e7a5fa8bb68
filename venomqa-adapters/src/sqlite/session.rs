use std::sync::Arc;

use rusqlite::Connection;

use super::contents::contents;
use super::follow::{Compare, Follow};
use super::install::{clear_log, install, uninstall, uninstall_triggers};
use super::islands::Islands;
use super::journal::{Journal, told, write_rows, write_scanned};
use super::live::Live;
use super::location::{Location, restoring};
use super::options::{SqliteMode, SqliteOptions};
use super::run::{Run, Stage, pragma};
use super::schema::{Place, Plan};
use super::snapshot::{Snapshot, copy_to_file};
use super::stop::Stop;
use super::value::Image;
use crate::database::contents::difference;
use crate::database::history::{Delta, add, add_reversed};
use crate::{Checkpoint, Error, Result, RowChange, RowVisitor, Sealed, Table};

/// What there is between `begin` and `close`.
///
/// Each method is one attempt, in a transaction that keeps others from writing meanwhile. An attempt that fails may be repeated.
#[derive(Debug)]
pub(super) struct Session {
    pub(super) location: Location,
    pub(super) mode: SqliteMode,
    pub(super) ignored: Vec<String>,
    pub(super) live: Live,
    run: Run,
    /// The tables on the island of the position.
    pub(super) plan: Arc<Plan>,
    pub(super) follow: Follow,
    /// `None` until the root is sealed.
    islands: Option<Islands>,
    /// What a restore on the way through a copy found, and has not told yet.
    carried: Vec<RowChange>,
}

impl Session {
    /// Installs what is needed to follow the database.
    pub(super) fn open(location: &Location, options: &SqliteOptions) -> Result<Self, Stop> {
        let mut live = Live::open(location)?;
        live.lock()?;
        let plan = Plan::read(&live.db, &options.ignored_tables)?;
        let by_log = match (options.mode, &plan.unfollowable) {
            (SqliteMode::Backup, _) | (SqliteMode::Auto, Some(_)) => false,
            (_, None) => true,
            (SqliteMode::Journal, Some(why)) => {
                return Err(Stop::Failed(Error::Irreversible {
                    system: location.name.clone(),
                    statement: why.clone(),
                    remedy: "use `SqliteMode::Auto`, which takes full copies where a journal cannot follow".into(),
                }));
            }
        };
        let mut run = Run::new(&live.db, by_log)?;
        if by_log {
            install(&live.db, &plan)?;
        }
        run.write(&live.db)?;
        live.accept_schema()?;
        live.commit()?;
        Ok(Self {
            location: location.clone(),
            mode: options.mode,
            ignored: options.ignored_tables.clone(),
            live,
            run,
            plan: Arc::new(plan),
            follow: Follow::Journal(Journal::default()),
            islands: None,
            carried: Vec::new(),
        })
    }

    /// Makes the present contents the root, and keeps what leads back to it.
    pub(super) fn begin(&mut self) -> Result<(), Stop> {
        self.live.lock()?;
        if self.live.has_other_schema()? {
            return Err(self.schema_changed()?);
        }
        self.live.looked()?;
        let copy = match self.mode {
            SqliteMode::Journal => None,
            SqliteMode::Auto | SqliteMode::Backup => Some(self.copy_root()?),
        };
        let db = &self.live.db;
        clear_log(db, self.run.by_log)?;
        self.run.user_version = pragma(db, "user_version")?;
        self.run.application_id = pragma(db, "application_id")?;
        self.run.stage = Stage::Running;
        self.run.write(db)?;
        self.follow = match self.run.by_log {
            true => Follow::Journal(Journal::begin(db, &self.plan, true)?),
            false => Follow::Compare(Compare::at(Arc::new(contents(db, &self.plan)?))),
        };
        self.live.commit()?;
        self.islands = Some(Islands::new(self.plan.clone(), copy));
        Ok(())
    }

    fn copy_root(&self) -> Result<Snapshot, Stop> {
        let Location {
            scratch, root_copy, ..
        } = &self.location;
        self.live.keep_readable()?;
        // Under another name until it is complete.
        copy_to_file(&self.live.reader, scratch)?;
        let copy = Connection::open(scratch)?;
        restoring(&copy)?;
        clear_log(&copy, self.run.by_log)?;
        Run::without_log(&copy)?;
        drop(copy);
        std::fs::rename(scratch, root_copy)
            .map_err(|error| Stop::file("make", root_copy, error))?;
        Ok(Snapshot::File(root_copy.clone()))
    }

    /// Tells every row of the root.
    pub(super) fn visit(&mut self, visit: RowVisitor<'_>) -> Result<Vec<Arc<Table>>, Stop> {
        self.live.lock()?;
        if self.live.is_touched()? {
            // What would be told is not the root any more, so begin again.
            self.live.unlock();
            self.begin()?;
            return Err(Stop::Again);
        }
        let mut tables = Vec::new();
        for (number, table) in self.plan.seen() {
            let shape = &table.table;
            table.each_row(&self.live.db, number, |_, image| {
                visit(shape, &image.values)
            })?;
            tables.push(shape.clone());
        }
        self.live.commit()?;
        Ok(tables)
    }

    pub(super) fn changes(&mut self) -> Result<Vec<RowChange>, Stop> {
        self.live.lock()?;
        self.look()?;
        self.live.commit()?;
        Ok(match &mut self.follow {
            Follow::Journal(journal) => {
                journal.untold.clear();
                told(&self.plan, &journal.delta)
            }
            Follow::Compare(compare) => {
                compare.told = compare.live.clone();
                difference(&compare.position, &compare.live)
            }
        })
    }

    pub(super) fn seal(&mut self) -> Result<Sealed, Stop> {
        self.live.lock()?;
        self.look()?;
        let Follow::Journal(journal) = &mut self.follow else {
            return self.seal_island();
        };
        let clean = journal.wants_cleaning();
        if clean {
            journal.clean(&self.live.db)?;
        }
        self.live.commit()?;
        if clean {
            journal.cleaned();
        }
        let untold = told(&self.plan, &std::mem::take(&mut journal.untold));
        let delta = std::mem::take(&mut journal.delta);
        let checkpoint = self.islands_mut().add_child(delta);
        Ok(Sealed { checkpoint, untold })
    }

    /// Seals a state that rows alone do not describe.
    fn seal_island(&mut self) -> Result<Sealed, Stop> {
        let plan = Arc::new(Plan::read(&self.live.db, &self.ignored)?);
        let by_log = self.mode != SqliteMode::Backup && plan.unfollowable.is_none();
        if self.mode != SqliteMode::Backup {
            uninstall_triggers(&self.live.db)?;
            if by_log {
                install(&self.live.db, &plan)?;
            }
            if std::mem::take(&mut self.run.by_log) || Run::read(&self.live.db)?.is_none() {
                self.run.write(&self.live.db)?;
            }
            self.live.commit()?;
            self.live.lock()?;
            self.live.expect_untouched()?;
        }
        self.live.keep_readable()?;
        let islands = self.islands();
        let like = islands.island_of(islands.position()).copy.as_ref();
        let copy = Snapshot::take(&self.live.reader, &self.location.scratch, like)?;
        let follow = match &self.follow {
            Follow::Compare(compare) if !by_log => {
                Follow::Compare(Compare::at(compare.live.clone()))
            }
            _ => Follow::Journal(Journal::begin(&self.live.db, &plan, false)?),
        };
        self.live.accept_schema()?;
        self.live.commit()?;
        let untold = self.untold();
        self.follow = follow;
        self.plan = plan.clone();
        let checkpoint = self.islands_mut().add_island(plan, Some(copy));
        Ok(Sealed { checkpoint, untold })
    }

    pub(super) fn can_restore(&self, to: Checkpoint) -> bool {
        self.islands
            .as_ref()
            .is_some_and(|islands| islands.can_restore(to))
    }

    pub(super) fn restore(&mut self, to: Checkpoint) -> Result<Vec<RowChange>, Stop> {
        if !self.can_restore(to) {
            return Err(Stop::Failed(Error::OutOfReach {
                system: self.location.name.clone(),
                checkpoint: to,
                why: "it was released, or never sealed",
            }));
        }
        self.live.lock()?;
        self.look()?;
        let position = self.islands().position();
        let root = self.islands().root_of(to);
        match &self.follow {
            Follow::Journal(_) if self.islands().root_of(position) == root => {
                self.write_way(to)?;
            }
            Follow::Compare(compare) if to == position && !compare.written => {
                self.live.commit()?;
            }
            _ => {
                // Kept aside, in case the rest of the way has to be repeated.
                self.carried = self.untold();
                self.live.commit()?;
                self.land(root)?;
                self.islands_mut().move_to(root);
                if to != root {
                    return self.restore(to);
                }
            }
        }
        Ok(std::mem::take(&mut self.carried))
    }

    /// What the last look found that nobody was told.
    fn untold(&self) -> Vec<RowChange> {
        match &self.follow {
            Follow::Journal(journal) => told(&self.plan, &journal.untold),
            Follow::Compare(compare) => difference(&compare.told, &compare.live),
        }
    }

    /// Writes the rows that lead from the live state to another on the same island.
    fn write_way(&mut self, to: Checkpoint) -> Result<(), Stop> {
        let (Follow::Journal(journal), Some(islands)) = (&mut self.follow, &mut self.islands)
        else {
            return Ok(());
        };
        let untold = told(&self.plan, &journal.untold);
        let mut way = Delta::new();
        add_reversed(&mut way, &journal.delta);
        for (place, change) in islands.island_of(to).tree.way(islands.position(), to) {
            add(&mut way, place, change);
        }
        let write = !way.is_empty() || journal.wants_cleaning();
        if write {
            journal.write(&self.live.db, &self.plan, &way)?;
            journal.clean(&self.live.db)?;
        }
        self.live.commit()?;
        if write {
            journal.cleaned();
        }
        journal.arrived(&way, &self.plan);
        islands.move_to(to);
        self.carried.extend(untold);
        Ok(())
    }

    /// Puts back the copy of an island's root.
    fn land(&mut self, root: Checkpoint) -> Result<(), Stop> {
        let island = self.islands().island_of(root);
        let (Some(copy), plan) = (island.copy.clone(), island.plan.clone()) else {
            return Err(self.schema_changed()?);
        };
        copy.put_back(&mut self.live.db, &self.location.scratch)?;
        self.live.lock()?;
        self.live.looked()?;
        self.live.accept_schema()?;
        let db = &self.live.db;
        self.follow = if self.mode != SqliteMode::Backup && plan.unfollowable.is_none() {
            Follow::Journal(Journal::begin(db, &plan, false)?)
        } else {
            Follow::Compare(Compare::at(Arc::new(contents(db, &plan)?)))
        };
        self.plan = plan;
        self.live.commit()
    }

    pub(super) fn release(&mut self, checkpoint: Checkpoint) {
        if let Some(islands) = &mut self.islands {
            islands.release(checkpoint);
        }
    }

    pub(super) fn memory(&self) -> usize {
        self.islands.as_ref().map_or(0, Islands::bytes)
    }

    /// Returns to the root and removes everything of ours. Tells the rows that only a copy could put back.
    pub(super) fn retire(&mut self) -> Result<Vec<RowChange>, Stop> {
        if self.islands.is_some() {
            self.restore(Islands::ROOT)?;
            self.live.lock()?;
            self.live.expect_untouched()?;
            let missed = self.missed()?;
            if !missed.is_empty() {
                self.carried = missed;
                self.live.commit()?;
                self.land(Islands::ROOT)?;
                self.live.lock()?;
                self.live.expect_untouched()?;
            }
            Run::at_root(&self.live.db)?;
            self.live.commit()?;
            self.islands = None;
        }
        self.location.remove_copies()?;
        self.live.lock()?;
        uninstall(&self.live.db)?;
        self.live.commit()?;
        Ok(std::mem::take(&mut self.carried))
    }

    /// What differs from the root though the log says that nothing does.
    fn missed(&self) -> Result<Vec<RowChange>, Stop> {
        let (Follow::Journal(_), Some(Snapshot::File(copy))) =
            (&self.follow, &self.islands().island_of(Islands::ROOT).copy)
        else {
            return Ok(Vec::new());
        };
        let root = contents(&Connection::open(copy)?, &self.plan)?;
        let live = contents(&self.live.db, &self.plan)?;
        Ok(difference(&Arc::new(root), &Arc::new(live)))
    }

    /// Learns what others wrote since the last look.
    fn look(&mut self) -> Result<(), Stop> {
        if !self.live.is_touched()? {
            return Ok(());
        }
        let changed = self.live.has_other_schema()?;
        match &mut self.follow {
            Follow::Journal(journal) if !changed => {
                let heard = journal.look(&self.live.db, &self.plan)?;
                if !heard && self.could_be_silent() {
                    let mut compare = self.compare_from_now_on()?;
                    let expected = compare.live.clone();
                    compare.look(&self.live.db, &self.ignored)?;
                    if compare.live != expected {
                        self.follow = Follow::Compare(compare);
                    }
                }
            }
            Follow::Journal(_) => {
                let mut compare = self.compare_from_now_on()?;
                compare.look(&self.live.db, &self.ignored)?;
                self.follow = Follow::Compare(compare);
            }
            Follow::Compare(compare) => compare.look(&self.live.db, &self.ignored)?,
        }
        self.live.looked()?;
        Ok(())
    }

    /// Whether a commit of which the log knows nothing is worth a comparison: then it fired no trigger, or changed nothing.
    fn could_be_silent(&self) -> bool {
        let islands = self.islands();
        let has_copy = islands.island_of(islands.position()).copy.is_some();
        has_copy && self.ignored.is_empty()
    }

    /// The log does not tell all, such as after a change of the schema: builds the contents that it told of up to now.
    fn compare_from_now_on(&self) -> Result<Compare, Stop> {
        let islands = self.islands();
        let island = islands.island_of(islands.position());
        let (Follow::Journal(journal), Some(copy)) = (&self.follow, &island.copy) else {
            return Err(self.schema_changed()?);
        };
        let mut past = Connection::open_in_memory()?;
        copy.put_back(&mut past, &self.location.scratch)?;
        restoring(&past)?;
        // Goes a way in the copy, to where the live state was before `back`.
        let reach = |way: &Delta<Place, Image>, back: &Delta<Place, Image>| {
            write_rows(&past, &self.plan, way)?;
            let mut undone = Delta::new();
            add_reversed(&mut undone, back);
            write_scanned(
                &past,
                &self.plan,
                &journal.scanned_after(&undone, &self.plan),
            )?;
            contents(&past, &self.plan).map(Arc::new)
        };
        let to_position = island.tree.way(island.tree.root(), islands.position());
        let position = reach(&to_position, &journal.delta)?;
        let mut told = journal.delta.clone();
        add_reversed(&mut told, &journal.untold);
        let told = reach(&told, &journal.untold)?;
        let live = reach(&journal.untold, &Delta::new())?;
        Ok(Compare {
            position,
            told,
            live,
            written: true,
        })
    }

    fn islands(&self) -> &Islands {
        self.islands
            .as_ref()
            .expect("begin seals the root before anything else is asked")
    }

    fn islands_mut(&mut self) -> &mut Islands {
        self.islands
            .as_mut()
            .expect("begin seals the root before anything else is asked")
    }

    /// The error for a change of the schema where there is no copy to go back to.
    fn schema_changed(&self) -> rusqlite::Result<Stop> {
        let difference = self.plan.difference(&self.live.db)?;
        Ok(Stop::Failed(Error::Irreversible {
            system: self.location.name.clone(),
            statement: format!("a change of the schema: {difference}"),
            remedy: "use `SqliteMode::Auto`, which keeps a copy for this case, and make the database anew".into(),
        }))
    }
}
