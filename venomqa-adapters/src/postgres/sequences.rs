use sqlx::postgres::PgConnection;

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
        let (positions, called) =
            sqlx::query_as("SELECT positions, called FROM _venomqa.positions()")
                .fetch_one(db)
                .await?;
        Ok(Self { positions, called })
    }

    /// Makes them hold this again.
    pub(super) async fn put_back(&self, db: &mut PgConnection) -> sqlx::Result<()> {
        let put_back = "SELECT _venomqa.set_sequences(now.positions, now.called, $1, $2) FROM _venomqa.positions() now";
        let put_back = sqlx::query(put_back)
            .bind(&self.positions)
            .bind(&self.called);
        put_back.execute(db).await.map(drop)
    }
}
