use std::ops::{Deref, DerefMut};
use std::sync::Arc;

use sqlx::postgres::PgConnection;
use sqlx::{AssertSqlSafe, Connection, raw_sql};
use tokio::sync::{Mutex, OwnedMutexGuard};

use super::location::Location;
use super::stop::Stop;
use crate::Error;

/// The connection of [`PostgresMode::Savepoint`](super::PostgresMode::Savepoint), lent to the application until this is dropped.
///
/// It is an sqlx connection. Between `begin` and `close` it is in a transaction that must not end. sqlx's own transactions
/// ([`Connection::begin`]) are savepoints in it; statements such as `COMMIT` that are sent as text end it. When a statement fails
/// outside such a savepoint, all that was done since the connection was lent is undone.
#[derive(Debug)]
pub struct PostgresConnection(OwnedMutexGuard<Shared>);

impl Deref for PostgresConnection {
    type Target = PgConnection;

    fn deref(&self) -> &PgConnection {
        self.0.db.as_ref().expect("connected before it was lent")
    }
}

impl DerefMut for PostgresConnection {
    fn deref_mut(&mut self) -> &mut PgConnection {
        self.0.db.as_mut().expect("connected before it was lent")
    }
}

/// The one connection, for whoever takes it next.
#[derive(Clone, Debug)]
pub(super) struct Lending {
    location: Arc<Location>,
    shared: Arc<Mutex<Shared>>,
}

/// The connection that the application shares.
#[derive(Debug)]
pub(super) struct Shared {
    location: Arc<Location>,
    db: Option<PgConnection>,
    stage: Stage,
    /// Whether that savepoint is set.
    lent: bool,
}

/// What the shared connection is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// No transaction of ours: the run has not begun.
    Ready,
    /// The transaction that never commits.
    Running,
    /// Nothing any more: somebody else ended that transaction, or the run is over.
    Over,
}

/// The savepoint that is set whenever the connection is lent, or used by ourselves.
const LENT: &str = "_venomqa_lent";

impl Lending {
    pub(super) fn new(location: &Location) -> Self {
        let location = Arc::new(location.clone());
        let shared = Shared {
            location: location.clone(),
            db: None,
            stage: Stage::Ready,
            lent: false,
        };
        Self {
            location,
            shared: Arc::new(Mutex::new(shared)),
        }
    }

    /// Lends the connection, if whoever has it gives it back in time.
    pub(super) async fn lend(&self) -> Result<PostgresConnection, Stop> {
        let mut shared = self.take().await?;
        shared.secure().await?;
        Ok(PostgresConnection(shared))
    }

    /// The connection for ourselves, if the application gives it back in time.
    pub(super) async fn take(&self) -> Result<OwnedMutexGuard<Shared>, Stop> {
        let limit = self.location.options.settle;
        let shared = tokio::time::timeout(limit, self.shared.clone().lock_owned()).await;
        shared.map_err(|_| {
            Stop::Failed(Error::Busy {
                system: self.location.name.clone(),
                why: "the application does not give the connection back that it was lent".into(),
                remedy: "drop what `connection()` returned before the response is sent, or raise `PostgresOptions::settle`".into(),
            })
        })
    }
}

impl Shared {
    /// Opens the transaction that never commits.
    pub(super) async fn begin(&mut self) -> Result<(), Stop> {
        let transaction = self.db().await?.begin().await?;
        // It stays open, and sqlx knows of it: what the application begins is a savepoint in it.
        std::mem::forget(transaction);
        self.stage = Stage::Running;
        Ok(())
    }

    /// Sets a savepoint at what there is now.
    pub(super) async fn set(&mut self, savepoint: &str) -> Result<(), Stop> {
        self.settle().await?;
        self.run(&format!("SAVEPOINT {savepoint}")).await
    }

    /// Goes back to a savepoint, which stays set.
    pub(super) async fn go_back(&mut self, savepoint: &str) -> Result<(), Stop> {
        self.lent = false;
        self.run(&format!("ROLLBACK TO SAVEPOINT {savepoint}"))
            .await
    }

    /// The connection. A lost one is replaced only while it holds nothing.
    pub(super) async fn db(&mut self) -> Result<&mut PgConnection, Stop> {
        if self.db.is_none() && self.stage == Stage::Ready {
            self.db = Some(self.location.connect_user().await?);
        }
        if self.stage == Stage::Over || self.db.is_none() {
            return Err(Stop::Failed(self.over()));
        }
        Ok(self.db.as_mut().expect("looked at just now"))
    }

    /// Gets ready for statements that may fail: then what is done from here on is undone, and nothing else.
    pub(super) async fn secure(&mut self) -> Result<(), Stop> {
        self.settle().await?;
        if self.stage == Stage::Running {
            self.run(&format!("SAVEPOINT {LENT}")).await?;
            self.lent = true;
        }
        self.db().await.map(drop)
    }

    /// Ends what was begun when the connection was lent: where a statement failed, as if nothing had been done.
    pub(super) async fn settle(&mut self) -> Result<(), Stop> {
        if !std::mem::take(&mut self.lent) {
            return Ok(());
        }
        match self.run(&format!("RELEASE SAVEPOINT {LENT}")).await {
            Err(stop) if stop.has_code("25P02") => {
                self.run(&format!(
                    "ROLLBACK TO SAVEPOINT {LENT}; RELEASE SAVEPOINT {LENT}"
                ))
                .await
            }
            settled => settled,
        }
    }

    /// Runs statements in the transaction, which may have been ended.
    pub(super) async fn run(&mut self, sql: &str) -> Result<(), Stop> {
        let done = raw_sql(AssertSqlSafe(sql)).execute(self.db().await?).await;
        done.map(drop).map_err(|error| self.judge(error))
    }

    /// What an error says about the transaction.
    pub(super) fn judge(&mut self, error: sqlx::Error) -> Stop {
        let stop = Stop::from(error);
        if stop.has_code("25P01") || stop.has_code("3B001") || stop.is_lost() {
            if stop.is_lost() {
                self.db = None;
            }
            self.stage = Stage::Over;
            return Stop::Failed(self.over());
        }
        stop
    }

    fn over(&self) -> Error {
        let system = self.location.name.clone();
        match self.db {
            Some(_) => Error::Irreversible {
                system,
                statement: "COMMIT (or ROLLBACK) of the lent connection's transaction".into(),
                remedy: "use sqlx's transactions on it, which are savepoints, or another `PostgresMode`; closing the run puts everything back".into(),
            },
            None => Error::Database {
                system,
                doing: "use the connection that the application shares".into(),
                source: "it broke, or the run was closed; what was done since the run began is undone, so run again".into(),
            },
        }
    }

    /// Undoes everything and ends the connection.
    pub(super) async fn close(&mut self) {
        if let Some(mut db) = self.db.take() {
            // Both happen in any case once the connection ends.
            let _ = raw_sql("ROLLBACK").execute(&mut db).await;
            let _ = db.close().await;
        }
        self.stage = Stage::Over;
    }
}
