use std::collections::BTreeSet;
use std::sync::Arc;

use sqlx::postgres::{PgConnection, PgRow};
use sqlx::{FromRow, Row};

use super::location::Location;
use super::marks::Way;
use super::run::Run;
use super::sequences::Sequences;
use super::stop::Stop;
use crate::Error;

/// A look where nobody is writing.
pub(super) const QUICK: &str = include_str!("quick_look.sql");

/// A look that is over when nobody has written since the last one.
const GLANCE: &str = include_str!("glance.sql");

/// What a look at the journal finds.
#[derive(Debug)]
pub(super) struct Look {
    /// The last mark that it took in.
    pub(super) upto: i64,
    /// Whether somebody is still writing. Then the rest is not told.
    pub(super) busy: bool,
    /// The first change of the schema. Then the rest is not told.
    pub(super) ddl: Option<String>,
    pub(super) found: Found,
    /// What the sequences hold, if that was asked for.
    pub(super) sequences: Sequences,
    /// The number that the next transaction would have got, where the look could tell: until somebody has it, there is nothing new.
    pub(super) next_xid: Option<String>,
}

/// Rows in the journal.
#[derive(Debug)]
pub(super) struct Found {
    marks: Vec<i64>,
    numbers: Vec<i32>,
    counts: Vec<i32>,
    images: Vec<String>,
}

impl Look {
    /// Looks at what came after a mark, by the first statement of a transaction.
    pub(super) async fn at(
        db: &mut PgConnection,
        seen: i64,
        with_sequences: bool,
    ) -> sqlx::Result<Self> {
        let quick: Self = sqlx::query_as(QUICK)
            .bind(seen)
            .bind(with_sequences)
            .fetch_one(&mut *db)
            .await?;
        match quick.busy {
            true => Self::thoroughly(db, seen).await,
            false => Ok(quick),
        }
    }

    /// What the sequences hold, if nobody on the whole server has begun to write since this number was the next one of a transaction. By
    /// the first statement of a transaction. For a look that is to find nothing: where it finds something, it comes on top of another one.
    pub(super) async fn glance(
        db: &mut PgConnection,
        next_xid: &str,
    ) -> sqlx::Result<Option<Sequences>> {
        let row = sqlx::query(GLANCE).bind(next_xid).fetch_one(db).await?;
        match row.try_get("still")? {
            true => Sequences::from_row(&row).map(Some),
            false => Ok(None),
        }
    }

    /// Looks at what came after a mark, wherever in a transaction.
    pub(super) async fn thoroughly(db: &mut PgConnection, seen: i64) -> sqlx::Result<Self> {
        sqlx::query_as("SELECT *, NULL AS next_xid FROM _venomqa.look($1)")
            .bind(seen)
            .fetch_one(db)
            .await
    }

    /// Looks, and goes a way and from what is live, unless there is a reason not to.
    pub(super) async fn restore(
        db: &mut PgConnection,
        run: &Run,
        seen: i64,
        live: &[i64],
        way: &Way,
        dead: &[i64],
        sequences: &Sequences,
    ) -> sqlx::Result<Self> {
        sqlx::query_as(
            "SELECT *, NULL AS next_xid FROM _venomqa.restore($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        )
        .bind(run.step)
        .bind(seen)
        .bind(live)
        .bind(&way.up)
        .bind(&way.down)
        .bind(&way.there)
        .bind(dead)
        .bind(&sequences.positions)
        .bind(&sequences.called)
        .fetch_one(db)
        .await
    }

    /// Says why nothing was found, if so.
    pub(super) fn expect_complete(&self, location: &Location) -> Result<(), Stop> {
        if self.busy {
            return Err(Stop::Busy);
        }
        match &self.ddl {
            None => Ok(()),
            Some(statement) => Err(Stop::Failed(Error::Irreversible {
                system: location.name.clone(),
                statement: statement.clone(),
                remedy: "do that before the run begins, or use `PostgresMode::Template`".into(),
            })),
        }
    }
}

impl Found {
    /// The rows under the marks after one, up to another.
    pub(super) async fn between(db: &mut PgConnection, seen: i64, upto: i64) -> sqlx::Result<Self> {
        sqlx::query_as("SELECT * FROM _venomqa.journaled($1, $2)")
            .bind(seen)
            .bind(upto)
            .fetch_one(db)
            .await
    }

    /// The marks under which there are rows.
    pub(super) fn marks(&self) -> BTreeSet<i64> {
        self.marks.iter().copied().collect()
    }

    /// The rows: table, +1 for one that came or -1 for one that went, text.
    pub(super) fn rows(&self) -> impl Iterator<Item = (usize, i64, Arc<str>)> {
        let rows = self.numbers.iter().zip(&self.counts).zip(&self.images);
        rows.map(|((&number, &count), image)| {
            (number as usize, count.into(), Arc::from(image.as_str()))
        })
    }
}

impl FromRow<'_, PgRow> for Look {
    fn from_row(row: &PgRow) -> sqlx::Result<Self> {
        Ok(Self {
            upto: row.try_get("upto")?,
            busy: row.try_get("busy")?,
            ddl: row.try_get("ddl")?,
            found: Found::from_row(row)?,
            sequences: Sequences {
                positions: list(row, "positions")?,
                called: list(row, "called")?,
            },
            next_xid: row.try_get("next_xid")?,
        })
    }
}

impl FromRow<'_, PgRow> for Found {
    fn from_row(row: &PgRow) -> sqlx::Result<Self> {
        Ok(Self {
            marks: list(row, "marks")?,
            numbers: list(row, "numbers")?,
            counts: list(row, "counts")?,
            images: list(row, "images")?,
        })
    }
}

/// An array that is NULL where it is empty.
fn list<'r, T>(row: &'r PgRow, column: &str) -> sqlx::Result<Vec<T>>
where
    Option<Vec<T>>: sqlx::Decode<'r, sqlx::Postgres> + sqlx::Type<sqlx::Postgres>,
{
    Ok(row
        .try_get::<Option<Vec<T>>, _>(column)?
        .unwrap_or_default())
}
