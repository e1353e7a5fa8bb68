use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use rusqlite::Connection;

use super::contents::{contents, difference};
use super::follow::{Compare, Follow};
use super::install::{install, uninstall, uninstall_triggers};
use super::journal::{Journal, write_rows, write_scanned};
use super::location::{Location, restoring};
use super::options::{SqliteMode, SqliteOptions};
use super::run::{Run, Stage, pragma};
use super::schema::{OURS, Place, Plan};
use super::snapshot::{Snapshot, copy_to_file};
use super::stop::Stop;
use super::value::Image;
use crate::history::{Delta, History, add, add_reversed};
use crate::{About, Checkpoint, Error, Result, RowChange, tell};

/// What there is between `begin` and `close`.
///
/// Checkpoints between which the schema stayed the same form an island: a tree with the changed rows on its edges, and a
/// full copy of its root, from which the island can be reached from outside. Where rows cannot be followed at all, every checkpoint is
/// an island of its own.
///
/// Each method is one attempt, in one transaction that keeps others from writing meanwhile. An attempt that fails may be repeated.
#[derive(Debug)]
pub(super) struct Session {
    location: Location,
    mode: SqliteMode,
    ignored: Vec<String>,
    /// Runs no triggers: what it writes is not followed.
    db: Connection,
    /// Reads for full copies while `db` keeps others from writing.
    reader: Connection,
    run: Run,
    follow: Follow,
    plan: Arc<Plan>,
    islands: BTreeMap<Checkpoint, Island>,
    /// The island that each checkpoint is on.
    whereabouts: HashMap<Checkpoint, Checkpoint>,
    position: Checkpoint,
    next: u64,
    /// What SQLite counted when the database was looked at last; another number means that somebody wrote.
    data_version: Option<i64>,
    /// The number that the schema has while nobody changes it.
    schema_version: i64,
}

#[derive(Debug)]
struct Island {
    plan: Arc<Plan>,
    /// Absent in the mode that makes no copies: there is only one island then.
    copy: Option<Snapshot>,
    tree: History<Place, Image>,
}

impl Session {
    pub(super) const ROOT: Checkpoint = Checkpoint(0);

    /// Installs what is needed to follow the database.
    pub(super) fn open(location: &Location, options: &SqliteOptions) -> Result<Self, Stop> {
        let db = location.connect_to_restore()?;
        let reader = location.connect()?;
        db.execute_batch("BEGIN IMMEDIATE")?;
        let plan = Plan::read(&db, &options.ignored_tables)?;
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
        let mut run = Run::new(&db, by_log)?;
        if by_log {
            install(&db, &plan)?;
        }
        run.write(&db)?;
        db.execute_batch("COMMIT")?;
        let plan = Arc::new(plan);
        Ok(Self {
            location: location.clone(),
            mode: options.mode,
            ignored: options.ignored_tables.clone(),
            schema_version: run.schema_version,
            db,
            reader,
            run,
            follow: Follow::Journal(Journal::default()),
            plan,
            islands: BTreeMap::new(),
            whereabouts: HashMap::new(),
            position: Self::ROOT,
            next: 1,
            data_version: None,
        })
    }

    /// Makes the present contents the root, and keeps what leads back to it.
    pub(super) fn begin(&mut self) -> Result<(), Stop> {
        self.lock()?;
        if pragma(&self.db, "schema_version")? != self.schema_version {
            return Err(self.schema_changed()?);
        }
        self.data_version = Some(pragma(&self.db, "data_version")?);
        self.run.user_version = pragma(&self.db, "user_version")?;
        self.run.application_id = pragma(&self.db, "application_id")?;
        let copy = if self.mode == SqliteMode::Journal {
            None
        } else {
            self.keep_readable()?;
            // Under another name until it is complete.
            copy_to_file(&self.reader, &self.location.scratch)?;
            let copy = Connection::open(&self.location.scratch)?;
            restoring(&copy)?;
            clear_log(&copy, self.run.by_log)?;
            Run::without_log(&copy)?;
            drop(copy);
            std::fs::rename(&self.location.scratch, &self.location.root_copy)
                .map_err(|error| Stop::file("make", &self.location.root_copy, error))?;
            Some(Snapshot::File(self.location.root_copy.clone()))
        };
        clear_log(&self.db, self.run.by_log)?;
        self.run.stage = Stage::Running;
        self.run.write(&self.db)?;
        self.follow = if self.run.by_log {
            Follow::Journal(Journal::begin(&self.db, &self.plan, true)?)
        } else {
            Follow::Compare(Compare::at(Arc::new(contents(&self.db, &self.plan)?)))
        };
        self.commit()?;
        let mut tree = History::new(Self::ROOT);
        tree.move_to(Some(Self::ROOT));
        let plan = self.plan.clone();
        self.islands = BTreeMap::from([(Self::ROOT, Island { plan, copy, tree })]);
        self.whereabouts = HashMap::from([(Self::ROOT, Self::ROOT)]);
        Ok(())
    }

    /// Tells every row of the root.
    pub(super) fn visit(
        &mut self,
        visit: crate::RowVisitor<'_>,
    ) -> Result<Vec<Arc<crate::Table>>, Stop> {
        self.lock()?;
        if Some(pragma(&self.db, "data_version")?) != self.data_version {
            // Somebody wrote since: what would be told is not the root any more, so begin again.
            self.unlock();
            self.begin()?;
            return Err(Stop::Again);
        }
        for (number, table) in self.plan.seen() {
            table.each_row(&self.db, number, |_, image| {
                visit(&table.table, &image.values)
            })?;
        }
        self.commit()?;
        Ok(self
            .plan
            .seen()
            .map(|(_, table)| table.table.clone())
            .collect())
    }

    pub(super) fn changes(&mut self) -> Result<Vec<RowChange>, Stop> {
        self.lock()?;
        self.look()?;
        self.commit()?;
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

    pub(super) fn seal(&mut self) -> Result<Checkpoint, Stop> {
        self.lock()?;
        self.look()?;
        let sealed = Checkpoint(self.next);
        if let Follow::Journal(journal) = &mut self.follow {
            if journal.wants_cleaning() {
                journal.clean(&self.db)?;
            }
            self.db.prepare_cached("COMMIT")?.execute([])?;
            if journal.wants_cleaning() {
                journal.cleaned();
            }
            journal.untold.clear();
            let delta = std::mem::take(&mut journal.delta);
            let weigh = |image: &Option<Image>| image.as_ref().map_or(0, Image::bytes);
            let bytes = delta
                .values()
                .map(|change| 96 + weigh(&change.old) + weigh(&change.new))
                .sum();
            let here = self.whereabouts[&self.position];
            self.islands
                .get_mut(&here)
                .expect("the position is on an island")
                .tree
                .add_child(sealed, delta, bytes);
            self.whereabouts.insert(sealed, here);
        } else {
            self.seal_island(sealed)?;
        }
        self.position = sealed;
        self.next += 1;
        Ok(sealed)
    }

    /// Seals a state that rows alone do not describe, as the root of an island.
    fn seal_island(&mut self, sealed: Checkpoint) -> Result<(), Stop> {
        let plan = Arc::new(Plan::read(&self.db, &self.ignored)?);
        let by_log = self.mode != SqliteMode::Backup && plan.unfollowable.is_none();
        if self.mode != SqliteMode::Backup {
            uninstall_triggers(&self.db)?;
            if by_log {
                install(&self.db, &plan)?;
            }
            if std::mem::take(&mut self.run.by_log) || Run::read(&self.db)?.is_none() {
                self.run.write(&self.db)?;
            }
            self.commit()?;
            self.lock()?;
            if Some(pragma(&self.db, "data_version")?) != self.data_version {
                return Err(Stop::Again);
            }
        }
        self.keep_readable()?;
        let like = self
            .islands
            .get(&self.whereabouts[&self.position])
            .and_then(|island| island.copy.as_ref());
        let copy = Some(Snapshot::take(&self.reader, &self.location.scratch, like)?);
        let follow = match &self.follow {
            Follow::Compare(compare) if !by_log => {
                Follow::Compare(Compare::at(compare.live.clone()))
            }
            _ => Follow::Journal(Journal::begin(&self.db, &plan, false)?),
        };
        let schema_version = pragma(&self.db, "schema_version")?;
        self.commit()?;
        (self.follow, self.plan, self.schema_version) = (follow, plan.clone(), schema_version);
        let tree = History::new(sealed);
        self.islands.insert(sealed, Island { plan, copy, tree });
        self.whereabouts.insert(sealed, sealed);
        self.arrive(sealed);
        Ok(())
    }

    pub(super) fn can_restore(&self, to: Checkpoint) -> bool {
        let island = self
            .whereabouts
            .get(&to)
            .and_then(|island| self.islands.get(island));
        island.is_some_and(|island| island.tree.contains(to))
    }

    pub(super) fn restore(&mut self, to: Checkpoint) -> Result<Vec<RowChange>, Stop> {
        if !self.can_restore(to) {
            return Err(Stop::Failed(Error::OutOfReach {
                system: self.location.name.clone(),
                checkpoint: to,
                why: "it was released, or never sealed",
            }));
        }
        self.lock()?;
        self.look()?;
        let target = self.whereabouts[&to];
        let same_island = self.whereabouts[&self.position] == target;
        let untold = match &mut self.follow {
            Follow::Journal(journal) => {
                let untold = told(&self.plan, &journal.untold);
                if same_island {
                    let island = &self.islands[&target];
                    let mut way = Delta::new();
                    add_reversed(&mut way, &journal.delta);
                    for (place, change) in island.tree.way(self.position, to) {
                        add(&mut way, place, change);
                    }
                    if !way.is_empty() || journal.wants_cleaning() {
                        journal.write(&self.db, &self.plan, &way)?;
                        journal.clean(&self.db)?;
                        self.db.prepare_cached("COMMIT")?.execute([])?;
                        journal.cleaned();
                    } else {
                        self.db.prepare_cached("COMMIT")?.execute([])?;
                    }
                    journal.arrived(&way, &self.plan);
                    self.arrive(to);
                    return Ok(untold);
                }
                untold
            }
            Follow::Compare(compare) => {
                let untold = difference(&compare.told, &compare.live);
                if to == self.position && !compare.written {
                    self.commit()?;
                    return Ok(untold);
                }
                untold
            }
        };
        self.commit()?;
        self.land(target)?;
        self.arrive(target);
        if to != target {
            // The rest of the way is rows, and nothing is lost if it has to be repeated from here.
            self.restore(to)?;
        }
        Ok(untold)
    }

    /// Puts back the copy of an island's root.
    fn land(&mut self, island: Checkpoint) -> Result<(), Stop> {
        let Island { plan, copy, .. } = &self.islands[&island];
        let Some(copy) = copy else {
            return Err(self.schema_changed()?);
        };
        let plan = plan.clone();
        copy.put_back(&mut self.db, &self.location.scratch)?;
        self.lock()?;
        self.data_version = Some(pragma(&self.db, "data_version")?);
        self.schema_version = pragma(&self.db, "schema_version")?;
        self.follow = if self.mode != SqliteMode::Backup && plan.unfollowable.is_none() {
            Follow::Journal(Journal::begin(&self.db, &plan, false)?)
        } else {
            Follow::Compare(Compare::at(Arc::new(contents(&self.db, &plan)?)))
        };
        self.plan = plan;
        self.commit()
    }

    /// Moves the position.
    fn arrive(&mut self, at: Checkpoint) {
        let before = std::mem::replace(&mut self.position, at);
        let (left, reached) = (self.whereabouts[&before], self.whereabouts[&at]);
        if let Some(island) = self.islands.get_mut(&reached) {
            island.tree.move_to(Some(at));
        }
        if left != reached {
            if let Some(island) = self.islands.get_mut(&left) {
                island.tree.move_to(None);
            }
            self.drop_if_empty(left);
        }
        if before != left && !self.can_restore(before) {
            self.whereabouts.remove(&before);
        }
    }

    pub(super) fn release(&mut self, checkpoint: Checkpoint) {
        if let Some(&at) = self.whereabouts.get(&checkpoint)
            && let Some(island) = self.islands.get_mut(&at)
        {
            island.tree.release(checkpoint);
            if checkpoint != self.position && checkpoint != at {
                self.whereabouts.remove(&checkpoint);
            }
            self.drop_if_empty(at);
        }
    }

    fn drop_if_empty(&mut self, island: Checkpoint) {
        if self
            .islands
            .get(&island)
            .is_some_and(|island| island.tree.is_empty())
        {
            self.islands.remove(&island);
            self.whereabouts.remove(&island);
        }
    }

    pub(super) fn memory(&self) -> usize {
        let copy = |island: &Island| island.copy.as_ref().map_or(0, Snapshot::bytes);
        self.islands
            .values()
            .map(|island| island.tree.bytes() + copy(island))
            .sum()
    }

    /// Returns to the root and removes everything of ours.
    pub(super) fn retire(&mut self) -> Result<(), Stop> {
        if self.islands.contains_key(&Self::ROOT) {
            self.restore(Self::ROOT)?;
        }
        self.lock()?;
        if self.islands.contains_key(&Self::ROOT)
            && Some(pragma(&self.db, "data_version")?) != self.data_version
        {
            return Err(Stop::Again);
        }
        Run::at_root(&self.db)?;
        self.commit()?;
        self.location.remove_copies()?;
        self.islands.clear();
        self.lock()?;
        uninstall(&self.db)?;
        self.commit()
    }

    /// Lets `reader` read while others are kept from writing.
    ///
    /// A file can be read beside our open transaction; a database in memory only beside one that has not begun to write, and
    /// then nobody can commit either.
    fn keep_readable(&mut self) -> Result<(), Stop> {
        if self.location.in_memory() {
            self.commit()?;
            self.db.execute_batch("BEGIN")?;
            if Some(pragma(&self.db, "data_version")?) != self.data_version {
                return Err(Stop::Again);
            }
        }
        Ok(())
    }

    pub(super) fn about(&self) -> About {
        let version = rusqlite::version();
        let mode: String = self
            .db
            .query_row("PRAGMA journal_mode", [], |row| row.get(0))
            .unwrap_or_default();
        let follows = matches!(self.follow, Follow::Journal(_));
        let mechanism = match (follows, &self.plan.unfollowable) {
            (true, _) => "trigger journal".into(),
            (false, _) if self.mode == SqliteMode::Backup => "full copies, as asked".into(),
            (false, Some(why)) => format!("full copies, because {why}"),
            (false, None) => "full copies, because the schema changed".into(),
        };
        let mut gaps = Vec::new();
        if follows {
            gaps.push("Incremental writes into blobs (`sqlite3_blob_write`) are not seen.".into());
        } else {
            gaps.push("Each step costs what is stored, not what changes.".into());
        }
        if self.mode == SqliteMode::Journal {
            gaps.push("A change of the schema cannot be undone.".into());
        }
        gaps.push(
            "What `ANALYZE` gathers and what is in attached databases is not followed.".into(),
        );
        if !self.ignored.is_empty() {
            gaps.push(format!("Ignored tables: {}.", self.ignored.join(", ")));
        }
        About {
            name: format!(
                "{} (SQLite {version}, journal mode {mode})",
                self.location.name
            ),
            mechanism,
            gaps,
            sees_foreign_commits: true,
        }
    }

    /// Keeps others from writing; fails while somebody else does.
    fn lock(&mut self) -> Result<(), Stop> {
        self.db.prepare_cached("BEGIN IMMEDIATE")?.execute([])?;
        Ok(())
    }

    fn commit(&self) -> Result<(), Stop> {
        self.db.prepare_cached("COMMIT")?.execute([])?;
        Ok(())
    }

    /// Gives up what an attempt left open.
    pub(super) fn unlock(&mut self) {
        if !self.db.is_autocommit() {
            // It fails only where SQLite has rolled back already.
            let _ = self.db.execute_batch("ROLLBACK");
        }
    }

    /// Learns what others wrote since the last look.
    fn look(&mut self) -> Result<(), Stop> {
        let data_version = pragma(&self.db, "data_version")?;
        if self.data_version == Some(data_version) {
            return Ok(());
        }
        if let Follow::Journal(journal) = &mut self.follow {
            if pragma(&self.db, "schema_version")? == self.schema_version {
                journal.look(&self.db, &self.plan)?;
                self.data_version = Some(data_version);
                return Ok(());
            }
            self.compare_from_now_on()?;
        }
        if let Follow::Compare(compare) = &mut self.follow {
            let plan = Plan::read(&self.db, &self.ignored)?;
            compare.live = Arc::new(contents(&self.db, &plan)?);
            compare.written = true;
        }
        self.data_version = Some(data_version);
        Ok(())
    }

    /// The schema changed, so the log tells no longer all: builds the contents that it told of up to now.
    fn compare_from_now_on(&mut self) -> Result<(), Stop> {
        let Follow::Journal(journal) = &self.follow else {
            return Ok(());
        };
        let island = &self.islands[&self.whereabouts[&self.position]];
        let Some(copy) = &island.copy else {
            return Err(self.schema_changed()?);
        };
        let mut past = Connection::open_in_memory()?;
        copy.put_back(&mut past, &self.location.scratch)?;
        restoring(&past)?;
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
        let to_position = island.tree.way(island.tree.root(), self.position);
        let position = reach(&to_position, &journal.delta)?;
        let mut told = journal.delta.clone();
        add_reversed(&mut told, &journal.untold);
        let told = reach(&told, &journal.untold)?;
        let live = told.clone();
        self.follow = Follow::Compare(Compare {
            position,
            told,
            live,
            written: true,
        });
        Ok(())
    }

    /// The error for a change of the schema where there is no copy to go back to.
    fn schema_changed(&self) -> rusqlite::Result<Stop> {
        let difference = self.plan.difference(&self.db)?;
        Ok(Stop::Failed(Error::Irreversible {
            system: self.location.name.clone(),
            statement: format!("a change of the schema: {difference}"),
            remedy: "use `SqliteMode::Auto`, which keeps a copy for this case, and make the database anew".into(),
        }))
    }
}

fn clear_log(db: &Connection, by_log: bool) -> rusqlite::Result<()> {
    if !by_log {
        return Ok(());
    }
    db.execute_batch(&format!("DELETE FROM {OURS}log"))?;
    let there = format!("SELECT count(*) FROM sqlite_schema WHERE name = '{OURS}sequence'");
    if db.query_row(&there, [], |row| row.get(0))? {
        db.execute_batch(&format!(
            "DELETE FROM {OURS}sequence; INSERT INTO {OURS}sequence SELECT rowid, name, seq FROM sqlite_sequence"
        ))?;
    }
    Ok(())
}

fn told(plan: &Plan, delta: &Delta<Place, Image>) -> Vec<RowChange> {
    let mut tables = BTreeMap::<usize, (Vec<_>, Vec<_>)>::new();
    for (place, change) in delta {
        let (gone, come) = tables.entry(place.table).or_default();
        gone.extend(change.old.iter().map(|image| image.values.clone()));
        come.extend(change.new.iter().map(|image| image.values.clone()));
    }
    let mut changes = Vec::new();
    for (table, (gone, come)) in tables {
        changes.extend(tell(&plan.tables[table].table, gone, come));
    }
    changes
}
