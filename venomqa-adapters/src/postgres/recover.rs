use sqlx::postgres::PgConnection;
use sqlx::{Connection, Postgres, Transaction};

use super::clones;
use super::install::uninstall;
use super::link::Link;
use super::location::{Location, quoted};
use super::lock::Hold;
use super::run::Run;
use super::stop::Stop;
use crate::{Error, Result};

/// Ends what a run before left, and lets go of the database.
pub(super) async fn cleanup(location: &Location) -> Result<()> {
    open(location).await?.close().await;
    Ok(())
}

/// Takes hold of the database, and ends what a run before left.
pub(super) async fn open(location: &Location) -> Result<Link> {
    let mut link = connect(location, Hold::InDatabase).await?;
    let left = match link.db().await {
        Ok(db) => clones::are_left(db, location).await.map_err(Stop::from),
        Err(stop) => Err(stop),
    };
    let left = match left {
        Ok(left) => left,
        Err(stop) => return Err(stop.into_error(location, CONNECT).await),
    };
    if left {
        link.close().await;
        let mut elsewhere = connect(location, Hold::FromElsewhere).await?;
        elsewhere
            .retry(RESTORE, |link| Box::pin(clones::return_to_root(link)))
            .await?;
        elsewhere.close().await;
        link = connect(location, Hold::InDatabase).await?;
    }
    if let Some(missed) = link.retry(RESTORE, |link| Box::pin(end(link))).await? {
        return Err(missed);
    }
    let hold = Hold::of(location.options.mode);
    if hold != Hold::InDatabase {
        link.close().await;
        link = connect(location, hold).await?;
    }
    Ok(link)
}

async fn connect(location: &Location, hold: Hold) -> Result<Link> {
    match Link::open(location, hold).await {
        Ok(link) => Ok(link),
        Err(stop) => Err(stop.into_error(location, CONNECT).await),
    }
}

const CONNECT: &str = "connect";
const RESTORE: &str = "restore what a run before left";

/// Ends a run: returns to its root and removes what it installed. Says what could not be put back.
///
/// May be interrupted and repeated at any point.
pub(super) async fn end(link: &mut Link) -> Result<Option<Error>, Stop> {
    if Run::read(link).await?.is_none() {
        return Ok(None);
    }
    let (transaction, missed) = leave(link).await?;
    transaction.commit().await?;
    Ok(missed)
}

/// The end of a run, which may take several attempts.
#[derive(Debug, Default)]
pub(super) struct Departure {
    /// Present while it is not known whether an attempt came through: what it could not put back, if anything.
    attempted: Option<Option<Error>>,
}

impl Departure {
    /// Returns to the root, and removes what was installed. Says what could not be put back.
    pub(super) async fn proceed(
        &mut self,
        link: &mut Link,
        run: &str,
    ) -> Result<Option<Error>, Stop> {
        let recorded = Run::read(link).await?.is_some_and(|found| found.id == run);
        match self.attempted.take() {
            _ if recorded => {}
            // Only the answer was lost.
            Some(missed) => return Ok(missed),
            None => return Err(Stop::Failed(Run::gone(&link.location))),
        }
        let (transaction, missed) = leave(link).await?;
        self.attempted = Some(missed);
        transaction.commit().await?;
        Ok(self.attempted.take().flatten())
    }
}

/// Returns to the root and removes what was installed, in a transaction that is left to be committed: what others write comes
/// before both and is undone, or after both and is theirs. Says what could not be put back.
async fn leave(link: &mut Link) -> Result<(Transaction<'_, Postgres>, Option<Error>), Stop> {
    let silent = link.silence().await?;
    let location = link.location.clone();
    let mut transaction = link.db().await?.begin().await?;
    let kept_out: bool = sqlx::query_scalar("SELECT _venomqa.keep_out()")
        .fetch_one(&mut *transaction)
        .await?;
    if !kept_out {
        return Err(Stop::Busy);
    }
    // A run by savepoints can do without, unless somebody has committed.
    if !silent && journal_has_rows(&mut transaction).await? {
        return Err(Stop::Failed(may_not(&location)));
    }
    let (ddl, missed): (Option<String>, Option<String>) =
        sqlx::query_as("SELECT ddl, missed FROM _venomqa.to_root()")
            .fetch_one(&mut *transaction)
            .await?;
    uninstall(&mut transaction).await?;
    let missed = ddl.map(|statement| irreversible(&location, statement, missed));
    Ok((transaction, missed))
}

fn may_not(location: &Location) -> Error {
    let Location { name, user, .. } = location;
    Error::NotRestored {
        system: name.clone(),
        why: format!("`{user}` may not put back what was committed"),
        remedy: format!(
            "as a superuser, run: GRANT SET ON PARAMETER session_replication_role TO {}; then start again, or use `PostgresAdapter::cleanup`",
            quoted(user)
        ),
    }
}

async fn journal_has_rows(db: &mut PgConnection) -> sqlx::Result<bool> {
    sqlx::query_scalar("SELECT EXISTS (SELECT FROM _venomqa.journal)")
        .fetch_one(db)
        .await
}

/// The error of a run in which something happened that it could not undo.
fn irreversible(location: &Location, statement: String, missed: Option<String>) -> Error {
    let rows = match missed {
        None => "all rows were put back".into(),
        Some(tables) => format!("the rows were put back, but those of {tables} could not be"),
    };
    Error::Irreversible {
        system: location.name.clone(),
        statement,
        remedy: format!("{rows}: make the database anew"),
    }
}
