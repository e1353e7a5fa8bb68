use sqlx::postgres::{PgConnection, PgRow};
use sqlx::{Connection, FromRow, Row};

use super::link::Link;
use super::location::Location;
use super::schema::OURS;
use super::stop::Stop;
use crate::Error;
use crate::database::exclusive::this_run;

/// Changes whenever what is installed changes in a way that another version does not understand.
const LAYOUT: i32 = 3;

/// The record of a run, kept in the database itself until the run ends: what a run after a crash goes by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Run {
    /// Tells this run from another that came in between.
    pub(super) id: String,
    /// How often it has restored a checkpoint.
    pub(super) step: i64,
    /// The last mark before the last of these, or before the run.
    pub(super) mark: i64,
}

impl Run {
    /// Records a new run.
    pub(super) async fn begin(db: &mut PgConnection) -> sqlx::Result<Self> {
        sqlx::query_as(
            "INSERT INTO _venomqa.run SELECT $1, gen_random_uuid()::text, $2, 0, last_value - 1, '{}' FROM _venomqa.mark
             RETURNING *",
        )
        .bind(LAYOUT)
        .bind(this_run())
        .fetch_one(db)
        .await
    }

    /// The run that this database is in, if any.
    pub(super) async fn read(link: &mut Link) -> Result<Option<Self>, Stop> {
        let system = link.location.name.clone();
        let db = link.db().await?;
        let (schema, ours): (bool, bool) = sqlx::query_as(
            "SELECT to_regnamespace('_venomqa') IS NOT NULL,
                EXISTS (SELECT FROM pg_attribute WHERE attrelid = to_regclass('_venomqa.run') AND attname = 'layout')",
        )
        .fetch_one(&mut *db)
        .await?;
        if !schema {
            return Ok(None);
        }
        let layout: Option<i32> = match ours {
            true => {
                sqlx::query_scalar("SELECT layout FROM _venomqa.run")
                    .fetch_optional(&mut *db)
                    .await?
            }
            false => None,
        };
        let Some(layout) = layout else {
            return Err(Stop::Failed(Error::Refused {
                system,
                why: format!("there is a schema `{OURS}` that VenomQA did not make"),
                remedy: "give it another name".into(),
            }));
        };
        if layout != LAYOUT {
            return Err(Stop::Failed(Error::NotRestored {
                system,
                why: "a run of another version of VenomQA did not end".into(),
                remedy: format!(
                    "run that version once more, or make the database anew, or take its contents as they are: DROP SCHEMA {OURS} CASCADE"
                ),
            }));
        }
        Ok(sqlx::query_as("SELECT * FROM _venomqa.run")
            .fetch_optional(db)
            .await?)
    }

    /// Whether there is a record at all; where that cannot be told, there is.
    pub(super) async fn is_recorded(location: &Location) -> bool {
        let Ok(mut db) = location.connect().await else {
            return true;
        };
        let recorded = sqlx::query_scalar("SELECT to_regclass('_venomqa.run') IS NOT NULL")
            .fetch_one(&mut db)
            .await;
        let _ = db.close().await;
        recorded.unwrap_or(true)
    }

    /// The record of this run, which is to be there.
    pub(super) async fn expect(link: &mut Link, id: &str) -> Result<Self, Stop> {
        let run = Self::read(link).await?.filter(|run| run.id == id);
        run.ok_or_else(|| Stop::Failed(Self::gone(&link.location)))
    }

    /// The error for a run whose record is not there any more.
    pub(super) fn gone(location: &Location) -> Error {
        Error::NotRestored {
            system: location.name.clone(),
            why: format!(
                "the record of this run is gone: another run or a cleanup has ended it, or somebody dropped the schema `{OURS}`"
            ),
            remedy: "see that the database holds what it should, and run again".into(),
        }
    }
}

impl FromRow<'_, PgRow> for Run {
    fn from_row(row: &PgRow) -> sqlx::Result<Self> {
        Ok(Self {
            id: row.try_get("id")?,
            step: row.try_get("step")?,
            mark: row.try_get("mark")?,
        })
    }
}
