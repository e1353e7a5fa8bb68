use std::collections::BTreeMap;

use rusqlite::Connection;

use super::install::uninstall;
use super::journal::{first_images, read_one, write_rows, write_scanned};
use super::location::Location;
use super::run::{Run, Stage, pragma};
use super::schema::{OURS, Place, Plan, RowId, SETTINGS};
use super::snapshot::Snapshot;
use super::stop::Stop;
use super::value::Image;
use crate::database::history::{Change, Delta, add};
use crate::{Error, Value};

/// Ends a run that did not end itself: returns to its root and removes what it installed.
///
/// May be interrupted and repeated at any point: the record of the run goes last.
pub(super) fn recover(location: &Location) -> Result<(), Stop> {
    let copy = location.root_copy.exists();
    if location.is_missing() {
        // The user removed the database; what belonged to it is of no use.
        return location.remove_copies();
    }
    let mut db = location.connect_to_restore()?;
    let Some(run) = Run::read(&db)? else {
        if copy {
            return Err(lost(
                location,
                "a run did not end, and its record in the database is gone",
            ));
        }
        return location.remove_copies();
    };
    let log_leads_back = run.by_log && pragma(&db, "schema_version")? == run.schema_version;
    if log_leads_back {
        undo_log(&db, &run)?;
    } else if run.stage == Stage::Running {
        if !copy || !belongs(location, &run)? {
            return Err(lost(
                location,
                "a run did not end, and its copy of the database is gone",
            ));
        }
        Snapshot::File(location.root_copy.clone()).put_back(&mut db, &location.scratch)?;
    }
    Run::at_root(&db)?;
    location.remove_copies()?;
    db.execute_batch("BEGIN IMMEDIATE")?;
    uninstall(&db)?;
    db.execute_batch("COMMIT")?;
    Ok(())
}

/// Puts every place in the log back to what it held first.
fn undo_log(db: &Connection, run: &Run) -> Result<(), Stop> {
    db.execute_batch("BEGIN IMMEDIATE")?;
    // The numbers of tables count ignored ones too, so it does not matter which were ignored.
    let plan = Plan::read(db, &[])?;
    let mut way = Delta::new();
    for (place, new) in first_images(db, &plan)? {
        let old = read_one(db, &plan, &place)?;
        add(&mut way, place, Change { old, new });
    }
    write_rows(db, &plan, &way)?;
    write_scanned(db, &plan, &scanned_at_root(db, &plan, run)?)?;
    db.execute_batch(&format!("DELETE FROM {OURS}log"))?;
    Run::at_root(db)?;
    db.execute_batch("COMMIT")?;
    Ok(())
}

fn scanned_at_root(
    db: &Connection,
    plan: &Plan,
    run: &Run,
) -> Result<BTreeMap<Place, Image>, Stop> {
    let mut scanned = BTreeMap::new();
    for (number, table) in plan.tables.iter().enumerate() {
        let mut add = |id: i64, row: [Value; 2]| {
            let id = RowId::Number(id);
            scanned.insert(Place { table: number, id }, Image::of(row));
        };
        if table.table.name == SETTINGS {
            add(0, ["user_version".into(), run.user_version.into()]);
            add(1, ["application_id".into(), run.application_id.into()]);
        } else if table.table.name == "sqlite_sequence" {
            let mut rows = db.prepare(&format!("SELECT rid, name, seq FROM {OURS}sequence"))?;
            let mut rows = rows.query([])?;
            while let Some(row) = rows.next()? {
                let image = Image::read(row, 1, 2)?;
                let id = RowId::Number(row.get(0)?);
                scanned.insert(Place { table: number, id }, image);
            }
        }
    }
    Ok(scanned)
}

/// Whether the copy was made by this run.
fn belongs(location: &Location, run: &Run) -> Result<bool, Stop> {
    let copy = Connection::open(&location.root_copy)?;
    Ok(Run::read(&copy)?.is_some_and(|copied| copied.id == run.id))
}

fn lost(location: &Location, why: &str) -> Stop {
    Stop::Failed(Error::NotRestored {
        system: location.name.clone(),
        why: why.into(),
        remedy: format!(
            "make the database anew, and remove {} if it is there (it holds the contents from before the run)",
            location.root_copy.display()
        ),
    })
}
