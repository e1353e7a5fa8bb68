use std::error::Error;
use std::fmt;

use sqlx::postgres::PgDatabaseError;

/// What went wrong, as PostgreSQL says it to people: sqlx leaves out the hint, and adds the number of a line of the server's own code,
/// which looks like one of the statement.
#[derive(Debug)]
pub(super) struct Said(pub(super) sqlx::Error);

impl fmt::Display for Said {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sqlx::Error::Database(error) = &self.0 else {
            return self.0.fmt(f);
        };
        f.write_str(error.message())?;
        let hint = error
            .try_downcast_ref::<PgDatabaseError>()
            .and_then(PgDatabaseError::hint);
        hint.map_or(Ok(()), |hint| write!(f, " ({hint})"))
    }
}

impl Error for Said {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&self.0)
    }
}
