use sqlx::postgres::{PgConnection, PgRow};
use sqlx::{FromRow, Row};

/// What all followed sequences hold, in their order: the last number, and whether it was given away.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Sequences {
    pub(super) positions: Vec<i64>,
    pub(super) called: Vec<bool>,
}

impl Sequences {
    pub(super) fn bytes(&self) -> usize {
        self.positions.len() * (size_of::<i64>() + 1)
    }
}

impl Sequences {
    /// What they hold now.
    pub(super) async fn read(db: &mut PgConnection) -> sqlx::Result<Self> {
        sqlx::query_as("SELECT * FROM _venomqa.positions()")
            .fetch_one(db)
            .await
    }

    /// Makes them hold this again.
    pub(super) async fn put_back(&self, db: &mut PgConnection) -> sqlx::Result<()> {
        let put_back = sqlx::query("SELECT _venomqa.set_sequences(now.positions, now.called, $1, $2) FROM _venomqa.positions() now")
            .bind(&self.positions)
            .bind(&self.called);
        put_back.execute(db).await.map(drop)
    }
}

impl FromRow<'_, PgRow> for Sequences {
    fn from_row(row: &PgRow) -> sqlx::Result<Self> {
        Ok(Self {
            positions: row.try_get("positions")?,
            called: row.try_get("called")?,
        })
    }
}
