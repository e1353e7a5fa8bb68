use sqlx::postgres::PgConnection;

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
/// May be interrupted and repeated at any point: the record of the run goes last.
pub(super) async fn end(link: &mut Link) -> Result<Option<Error>, Stop> {
    let Some(run) = Run::read(link).await? else {
        return Ok(None);
    };
    let missed = return_to_root(link, &run).await?;
    uninstall(link.db().await?).await?;
    Ok(missed)
}

/// The end of a run, which may take several attempts.
#[derive(Debug, Default)]
pub(super) struct Departure {
    /// Present once the root is restored: what could not be put back, if anything.
    missed: Option<Option<Error>>,
}

impl Departure {
    /// Returns to the root, and removes what was installed. Says what could not be put back.
    pub(super) async fn proceed(
        &mut self,
        link: &mut Link,
        run: &str,
    ) -> Result<Option<Error>, Stop> {
        if self.missed.is_none() {
            let run = Run::expect(link, run).await?;
            self.missed = Some(return_to_root(link, &run).await?);
        }
        // From here on the record may be gone already, if only the answer was lost.
        if Run::read(link).await?.is_some_and(|found| found.id == run) {
            uninstall(link.db().await?).await?;
        }
        Ok(self.missed.take().flatten())
    }
}

/// Puts back what a run found when it began. Says what could not be put back.
async fn return_to_root(link: &mut Link, run: &Run) -> Result<Option<Error>, Stop> {
    let silent = link.silence().await?;
    if !run.at_root {
        // A run by savepoints can do without, unless somebody has committed.
        if !silent && journal_has_rows(link.db().await?).await? {
            return Err(Stop::Failed(may_not(&link.location)));
        }
        let db = link.db().await?;
        let returned: bool = sqlx::query_scalar("SELECT _venomqa.to_root()")
            .fetch_one(db)
            .await?;
        if !returned {
            return Err(Stop::Busy);
        }
    }
    missed(link).await
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

/// What could not be put back.
async fn missed(link: &mut Link) -> Result<Option<Error>, Stop> {
    let found: (Option<String>, Option<String>) =
        sqlx::query_as("SELECT _venomqa.schema_change(), missed FROM _venomqa.run")
            .fetch_one(link.db().await?)
            .await?;
    let (Some(statement), tables) = found else {
        return Ok(None);
    };
    let rows = match tables {
        None => "all rows were put back".into(),
        Some(tables) => format!(
            "the rows were put back, but not those of {tables}, which have other columns now"
        ),
    };
    Ok(Some(Error::Irreversible {
        system: link.location.name.clone(),
        statement,
        remedy: format!("{rows}: make the database anew"),
    }))
}
