use std::collections::{BTreeMap, HashSet};

use rusqlite::types::ToSql;
use rusqlite::{Connection, OptionalExtension, params_from_iter};

use super::schema::{Kind, OURS, Place, Plan, RowId, TablePlan};
use super::value::{Bound, Image};
use crate::database::history::{Change, Delta, add};
use crate::{RowChange, tell};

/// Follows the log that the triggers write.
#[derive(Debug, Default)]
pub(super) struct Journal {
    /// From the position to the live state, as it was seen last.
    pub(super) delta: Delta<Place, Image>,
    /// What came to be known since changes were told last.
    pub(super) untold: Delta<Place, Image>,
    /// The contents of the tables that carry no triggers.
    scanned: BTreeMap<Place, Image>,
    /// The last row of the log that has been read.
    seen: i64,
    /// The last row of the log that stays, because it is the first of its place and so tells what the root held there.
    kept: i64,
    /// Rows of the log after the last cleaning that tell nothing any more.
    spare: Vec<i64>,
    /// Whether a row that stays was read since the last cleaning.
    mixed: bool,
    /// The places whose contents at the root are in the log. `None` where a copy of the file holds the root.
    rooted: Option<HashSet<Place>>,
}

impl Journal {
    /// Begins to follow. `keeps_root` says whether the log is what leads back to the root.
    pub(super) fn begin(db: &Connection, plan: &Plan, keeps_root: bool) -> rusqlite::Result<Self> {
        let sql = format!("SELECT ifnull(max(seq), 0) FROM {OURS}log");
        let seen = db.query_row(&sql, [], |row| row.get(0))?;
        Ok(Self {
            scanned: scan(db, plan)?,
            seen,
            kept: seen,
            rooted: keeps_root.then(HashSet::new),
            ..Self::default()
        })
    }

    /// Reads what the log has new, and adds it to the delta. False if nothing has been written to it or to a table without triggers.
    pub(super) fn look(&mut self, db: &Connection, plan: &Plan) -> rusqlite::Result<bool> {
        let mut touched = BTreeMap::<Place, Option<Image>>::new();
        let mut statement = db.prepare_cached(&format!(
            "SELECT * FROM {OURS}log WHERE seq > ?1 ORDER BY seq"
        ))?;
        let mut rows = statement.query([self.seen])?;
        while let Some(row) = rows.next()? {
            let (place, image) = read_log(row, plan)?;
            self.seen = row.get(0)?;
            if self
                .rooted
                .as_mut()
                .is_some_and(|rooted| rooted.insert(place.clone()))
            {
                self.kept = self.seen;
                self.mixed = true;
            } else {
                self.spare.push(self.seen);
            }
            touched.entry(place).or_insert(image);
        }
        let mut heard = !touched.is_empty();
        for (place, old) in touched {
            let new = read_one(db, plan, &place)?;
            self.learn(place, old, new);
        }
        let scanned = scan(db, plan)?;
        if scanned != self.scanned {
            heard = true;
            let before = std::mem::replace(&mut self.scanned, scanned);
            let now = self.scanned.clone();
            for place in before
                .keys()
                .chain(now.keys().filter(|place| !before.contains_key(place)))
            {
                self.learn(
                    place.clone(),
                    before.get(place).cloned(),
                    now.get(place).cloned(),
                );
            }
        }
        Ok(heard)
    }

    fn learn(&mut self, place: Place, old: Option<Image>, new: Option<Image>) {
        let change = Change { old, new };
        add(&mut self.untold, place.clone(), change.clone());
        add(&mut self.delta, place, change);
    }

    /// Whether enough of the log is spare for it to be worth a transaction of its own.
    pub(super) fn wants_cleaning(&self) -> bool {
        self.spare.len() > 500
    }

    /// Deletes the rows of the log that tell nothing any more. Call [`cleaned`](Self::cleaned) once that is committed.
    pub(super) fn clean(&self, db: &Connection) -> rusqlite::Result<()> {
        match self.spare.as_slice() {
            [] => Ok(()),
            [first, ..] if !self.mixed => {
                let sql = format!("DELETE FROM {OURS}log WHERE seq >= ?1");
                db.prepare_cached(&sql)?.execute([first]).map(drop)
            }
            spare => {
                let mut delete =
                    db.prepare_cached(&format!("DELETE FROM {OURS}log WHERE seq = ?1"))?;
                spare
                    .iter()
                    .try_for_each(|seq| delete.execute([seq]).map(drop))
            }
        }
    }

    /// The transaction that [cleaned](Self::clean) the log is committed.
    pub(super) fn cleaned(&mut self) {
        if !self.spare.is_empty() {
            // SQLite gives the numbers of deleted rows away again.
            self.seen = self.kept;
            self.spare.clear();
        }
        self.mixed = false;
    }

    /// The live state is now what [`write`] was given `way` to.
    pub(super) fn arrived(&mut self, way: &Delta<Place, Image>, plan: &Plan) {
        self.scanned = self.scanned_after(way, plan);
        self.delta.clear();
        self.untold.clear();
    }

    /// Goes a way: from the live state to another.
    pub(super) fn write(
        &self,
        db: &Connection,
        plan: &Plan,
        way: &Delta<Place, Image>,
    ) -> rusqlite::Result<()> {
        write_rows(db, plan, way)?;
        // Restored rows count up their table's sequence, so its contents are compared, not only its changes undone.
        write_scanned(db, plan, &self.scanned_after(way, plan))
    }

    /// What the tables without triggers will hold at the end of a way from the live state.
    pub(super) fn scanned_after(
        &self,
        way: &Delta<Place, Image>,
        plan: &Plan,
    ) -> BTreeMap<Place, Image> {
        let mut scanned = self.scanned.clone();
        for (place, change) in way {
            if plan.tables[place.table].kind == Kind::Scanned {
                match &change.new {
                    Some(image) => scanned.insert(place.clone(), image.clone()),
                    None => scanned.remove(place),
                };
            }
        }
        scanned
    }
}

/// The changes as the contract wants them told.
pub(super) fn told(plan: &Plan, delta: &Delta<Place, Image>) -> Vec<RowChange> {
    let mut tables = BTreeMap::<usize, (Vec<_>, Vec<_>)>::new();
    for (place, change) in delta {
        let (gone, come) = tables.entry(place.table).or_default();
        gone.extend(change.old.iter().map(|image| image.values.clone()));
        come.extend(change.new.iter().map(|image| image.values.clone()));
    }
    let tables = tables.into_iter();
    tables
        .flat_map(|(table, (gone, come))| tell(&plan.tables[table].table, gone, come))
        .collect()
}

/// What every place in the log held before the first row about it was written.
pub(super) fn first_images(
    db: &Connection,
    plan: &Plan,
) -> rusqlite::Result<BTreeMap<Place, Option<Image>>> {
    let mut first = BTreeMap::new();
    let mut statement = db.prepare(&format!("SELECT * FROM {OURS}log ORDER BY seq"))?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let (place, image) = read_log(row, plan)?;
        first.entry(place).or_insert(image);
    }
    Ok(first)
}

/// Puts these rows where they belong, and nothing where nothing was.
pub(super) fn write_rows(
    db: &Connection,
    plan: &Plan,
    way: &Delta<Place, Image>,
) -> rusqlite::Result<()> {
    let followed = || {
        way.iter()
            .map(|(place, change)| (place, &plan.tables[place.table], change))
            .filter(|(_, table, _)| table.kind == Kind::Followed)
    };
    // All go before any comes, for no unique index to be in the way.
    for (place, table, change) in followed() {
        if change.old.is_some() {
            let mut delete = db.prepare_cached(&table.delete)?;
            delete.execute(params_from_iter(id_of(place)))?;
        }
    }
    for (place, table, change) in followed() {
        if let Some(image) = &change.new {
            insert(db, table, place, image)?;
        }
    }
    Ok(())
}

/// Makes the tables without triggers contain just these rows.
pub(super) fn write_scanned(
    db: &Connection,
    plan: &Plan,
    wanted: &BTreeMap<Place, Image>,
) -> rusqlite::Result<()> {
    let found = scan(db, plan)?;
    if found == *wanted {
        return Ok(());
    }
    for place in found.keys().chain(wanted.keys()) {
        let (table, image) = (&plan.tables[place.table], wanted.get(place));
        if found.get(place) == image {
            continue;
        }
        if table.is_settings() {
            if let Some([crate::Value::Text(name), value]) = image.map(|image| &*image.values) {
                db.execute_batch(&format!("PRAGMA {name} = {value}"))?;
            }
            continue;
        }
        db.prepare_cached(&table.delete)?
            .execute(params_from_iter(id_of(place)))?;
        if let Some(image) = image {
            insert(db, table, place, image)?;
        }
    }
    Ok(())
}

/// What a place holds now.
pub(super) fn read_one(
    db: &Connection,
    plan: &Plan,
    place: &Place,
) -> rusqlite::Result<Option<Image>> {
    let table = &plan.tables[place.table];
    let mut statement = db.prepare_cached(&table.select_one)?;
    let found = statement
        .query_row(params_from_iter(id_of(place)), |row| {
            let image = Image::read(row, 1, table.columns.len())?;
            Ok((table.place(place.table, row.get(0)?, &image.values), image))
        })
        .optional()?;
    // Equal under a collation is another row.
    Ok(found.filter(|(at, _)| at == place).map(|(_, image)| image))
}

fn scan(db: &Connection, plan: &Plan) -> rusqlite::Result<BTreeMap<Place, Image>> {
    let mut rows = BTreeMap::new();
    for (number, table) in plan.of_kind(Kind::Scanned) {
        table.each_row(db, number, |place, image| {
            rows.insert(place, image);
        })?;
    }
    Ok(rows)
}

fn read_log(row: &rusqlite::Row<'_>, plan: &Plan) -> rusqlite::Result<(Place, Option<Image>)> {
    let (number, row_number, present): (u32, Option<i64>, bool) =
        (row.get(1)?, row.get(2)?, row.get(3)?);
    let number = number as usize;
    let table = &plan.tables[number];
    if let (Some(row_number), false) = (row_number, present) {
        let id = RowId::Number(row_number);
        return Ok((Place { table: number, id }, None));
    }
    let image = Image::read(row, 4, table.columns.len())?;
    let place = table.place(number, row_number, &image.values);
    Ok((place, present.then_some(image)))
}

fn insert(
    db: &Connection,
    table: &TablePlan,
    place: &Place,
    image: &Image,
) -> rusqlite::Result<()> {
    let stored = table
        .columns
        .iter()
        .enumerate()
        .filter(|(_, column)| !column.generated);
    let cells = stored.map(|(column, _)| image.bound(column));
    let mut statement = db.prepare_cached(&table.insert)?;
    let id: Vec<_> = match &place.id {
        RowId::Number(number) if !table.numbers_are_a_column() => vec![number as &dyn ToSql],
        _ => Vec::new(),
    };
    let cells: Vec<_> = cells.collect();
    let cells = cells.iter().map(|cell| cell as &dyn ToSql);
    statement
        .execute(params_from_iter(id.into_iter().chain(cells)))
        .map(drop)
}

fn id_of(place: &Place) -> Vec<Id<'_>> {
    match &place.id {
        RowId::Number(number) => vec![Id::Number(*number)],
        RowId::Key(values) => values.iter().map(|value| Id::Value(value.into())).collect(),
    }
}

enum Id<'a> {
    Number(i64),
    Value(Bound<'a>),
}

impl ToSql for Id<'_> {
    fn to_sql(&self) -> rusqlite::Result<rusqlite::types::ToSqlOutput<'_>> {
        match self {
            Self::Number(number) => number.to_sql(),
            Self::Value(value) => value.to_sql(),
        }
    }
}
