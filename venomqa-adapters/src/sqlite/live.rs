use rusqlite::Connection;

use super::location::Location;
use super::run::pragma;
use super::stop::Stop;

/// Our connections to the database, and what was known of it when it was looked at last.
#[derive(Debug)]
pub(super) struct Live {
    /// Runs no triggers: what it writes is not followed.
    pub(super) db: Connection,
    /// Reads for full copies while `db` keeps others from writing.
    pub(super) reader: Connection,
    in_memory: bool,
    /// What SQLite counts up whenever another connection has written.
    data_version: Option<i64>,
    /// What SQLite counts up whenever the schema changes.
    schema_version: i64,
}

impl Live {
    pub(super) fn open(location: &Location) -> rusqlite::Result<Self> {
        Ok(Self {
            db: location.connect_to_restore()?,
            reader: location.connect()?,
            in_memory: location.in_memory(),
            data_version: None,
            schema_version: 0,
        })
    }

    /// Keeps others from writing; fails while somebody else does.
    pub(super) fn lock(&self) -> Result<(), Stop> {
        self.db.prepare_cached("BEGIN IMMEDIATE")?.execute([])?;
        Ok(())
    }

    pub(super) fn commit(&self) -> Result<(), Stop> {
        self.db.prepare_cached("COMMIT")?.execute([])?;
        Ok(())
    }

    /// Gives up what an attempt left open.
    pub(super) fn unlock(&self) {
        if !self.db.is_autocommit() {
            // It fails only where SQLite has rolled back already.
            let _ = self.db.execute_batch("ROLLBACK");
        }
    }

    /// Lets `reader` read while others are kept from writing.
    ///
    /// A file can be read beside our open transaction; a database in memory only beside one that has not begun to write, and
    /// then nobody can commit either.
    pub(super) fn keep_readable(&self) -> Result<(), Stop> {
        if self.in_memory {
            self.commit()?;
            self.db.execute_batch("BEGIN")?;
            return self.expect_untouched();
        }
        Ok(())
    }

    /// Whether another connection has written since the last look.
    pub(super) fn is_touched(&self) -> rusqlite::Result<bool> {
        Ok(self.data_version != Some(pragma(&self.db, "data_version")?))
    }

    /// Ends an attempt into which somebody wrote.
    pub(super) fn expect_untouched(&self) -> Result<(), Stop> {
        match self.is_touched()? {
            true => Err(Stop::Again),
            false => Ok(()),
        }
    }

    /// What is there now has been looked at.
    pub(super) fn looked(&mut self) -> rusqlite::Result<()> {
        self.data_version = Some(pragma(&self.db, "data_version")?);
        Ok(())
    }

    /// Whether the schema is another than the accepted one.
    pub(super) fn has_other_schema(&self) -> rusqlite::Result<bool> {
        Ok(pragma(&self.db, "schema_version")? != self.schema_version)
    }

    pub(super) fn accept_schema(&mut self) -> rusqlite::Result<()> {
        self.schema_version = pragma(&self.db, "schema_version")?;
        Ok(())
    }
}
