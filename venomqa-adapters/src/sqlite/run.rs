use rusqlite::{Connection, OptionalExtension};

use super::schema::OURS;

/// The record of a run, kept in the database itself until the run ends: what a run after a crash goes by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Run {
    /// Tells this run's copy of the root from that of another.
    pub(super) id: String,
    /// Whether the log leads back to the root, as long as the schema is the one for which it was installed.
    pub(super) by_log: bool,
    pub(super) stage: Stage,
    pub(super) schema_version: i64,
    pub(super) user_version: i64,
    pub(super) application_id: i64,
}

/// How far a run got.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// The contents may differ from the root.
    Running,
    /// They do not: the run has not begun yet, or is done.
    AtRoot,
}

impl Run {
    /// A new run on this database, at its root.
    pub(super) fn new(db: &Connection, by_log: bool) -> rusqlite::Result<Self> {
        Ok(Self {
            id: db.query_row("SELECT lower(hex(randomblob(16)))", [], |row| row.get(0))?,
            by_log,
            stage: Stage::AtRoot,
            schema_version: 0,
            user_version: pragma(db, "user_version")?,
            application_id: pragma(db, "application_id")?,
        })
    }

    /// The run that this database is in, if any.
    pub(super) fn read(db: &Connection) -> rusqlite::Result<Option<Self>> {
        let there = "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = ?1";
        let table = format!("{OURS}run");
        if db
            .query_row(there, [&table], |_| Ok(()))
            .optional()?
            .is_none()
        {
            return Ok(None);
        }
        let sql = format!(
            "SELECT id, by_log, running, schema_version, user_version, application_id FROM {table}"
        );
        let read = |row: &rusqlite::Row<'_>| {
            Ok(Self {
                id: row.get(0)?,
                by_log: row.get(1)?,
                stage: match row.get(2)? {
                    true => Stage::Running,
                    false => Stage::AtRoot,
                },
                schema_version: row.get(3)?,
                user_version: row.get(4)?,
                application_id: row.get(5)?,
            })
        };
        db.query_row(&sql, [], read).optional()
    }

    /// Writes the record, with the version that the schema has now: call it after everything else is installed.
    pub(super) fn write(&mut self, db: &Connection) -> rusqlite::Result<()> {
        db.execute_batch(&format!(
            "CREATE TABLE IF NOT EXISTS {OURS}run(id, by_log, running, schema_version, user_version, application_id);
             DELETE FROM {OURS}run"
        ))?;
        self.schema_version = pragma(db, "schema_version")?;
        let running = self.stage == Stage::Running;
        let values: [&dyn rusqlite::ToSql; 6] = [
            &self.id,
            &self.by_log,
            &running,
            &self.schema_version,
            &self.user_version,
            &self.application_id,
        ];
        db.execute(
            &format!("INSERT INTO {OURS}run VALUES (?, ?, ?, ?, ?, ?)"),
            values,
        )?;
        Ok(())
    }

    /// Makes the record say what holds once this copy is put back in the middle of a run.
    pub(super) fn without_log(copy: &Connection) -> rusqlite::Result<()> {
        copy.execute_batch(&format!("UPDATE {OURS}run SET running = 1, by_log = 0"))
    }

    /// Records that the contents are those of the root again.
    pub(super) fn at_root(db: &Connection) -> rusqlite::Result<()> {
        db.execute_batch(&format!("UPDATE {OURS}run SET running = 0"))
    }
}

/// A setting of the file that is a number.
pub(super) fn pragma(db: &Connection, name: &str) -> rusqlite::Result<i64> {
    let mut statement = db.prepare_cached(&format!("PRAGMA {name}"))?;
    statement.query_row([], |row| row.get(0))
}
