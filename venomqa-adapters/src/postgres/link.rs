use sqlx::Connection;
use sqlx::postgres::PgConnection;

use super::location::Location;
use super::lock::{self, Hold, Holder};
use super::stop::Stop;
use crate::database::exclusive::Queue;
use crate::database::patience::Patience;
use crate::{BoxFuture, Result};

/// Our own connection, which holds the exclusive right to explore the database, and is made anew when it breaks.
#[derive(Debug)]
pub(super) struct Link {
    pub(super) location: Location,
    hold: Hold,
    db: Option<PgConnection>,
    /// Whether what it writes fires no trigger and is checked by no foreign key.
    silent: bool,
}

impl Link {
    /// Connects and takes the lock. Waits for it, and says for whom.
    pub(super) async fn open(location: &Location, hold: Hold) -> Result<Self, Stop> {
        let options = &location.options;
        let queue = || Queue::new(&location.name, options.lock_wait, options.on_wait.as_ref());
        // What it takes to connect is no waiting.
        let mut waiting = None;
        let mut holder = None;
        let mut db = None;
        loop {
            match attempt(location, hold, db.take()).await {
                Ok((db, None)) => {
                    return Ok(Self {
                        location: location.clone(),
                        hold,
                        db: Some(db),
                        silent: false,
                    });
                }
                // Who makes copies of the database is to find nobody connected to it.
                Ok((connected, Some(other))) if other.hold != hold && hold == Hold::InDatabase => {
                    let _ = connected.close().await;
                    holder = Some(other.name);
                }
                Ok((connected, Some(other))) => {
                    db = Some(connected);
                    holder = Some(other.name);
                }
                // It ends the connections of those who wait, and renames it.
                Err(stop) if stop.has_code("57P01") => {}
                Err(stop) if holder.is_some() && (stop.is_lost() || stop.has_code("3D000")) => {}
                Err(stop) => return Err(stop),
            }
            let name = holder.clone().unwrap_or("another run".into());
            waiting.get_or_insert_with(queue).wait_for(name).await?;
        }
    }

    /// Attempts something until nobody is in the way.
    pub(super) async fn retry<T>(
        &mut self,
        doing: &str,
        mut attempt: impl for<'a> FnMut(&'a mut Self) -> BoxFuture<'a, Result<T, Stop>> + Send,
    ) -> Result<T> {
        let mut patience = Patience::new(self.location.options.settle);
        loop {
            let stop = match attempt(self).await {
                Ok(value) => return Ok(value),
                Err(stop) => stop,
            };
            if stop.is_lost() {
                self.break_off();
            }
            if !stop.is_passing() || !patience.lasts().await {
                return Err(stop.into_error(&self.location, doing).await);
            }
        }
    }

    /// The connection; a broken one is replaced.
    pub(super) async fn db(&mut self) -> Result<&mut PgConnection, Stop> {
        if self.db.is_none() {
            let database = self.hold.database(&self.location);
            let mut db = self.location.connect_to(database).await?;
            let holder = lock::attempt(&mut db, &self.location, self.hold).await?;
            if holder.is_some() {
                // It may be our own lock still, if the server has not noticed that the connection broke.
                return Err(Stop::Busy);
            }
            if self.silent {
                silence(&mut db).await?;
            }
            self.db = Some(db);
        }
        Ok(self.db.as_mut().expect("connected above"))
    }

    /// Makes what this connection writes fire no trigger, from now on. Says no where the user may not do that.
    pub(super) async fn silence(&mut self) -> Result<bool, Stop> {
        let silenced = silence(self.db().await?).await.map_err(Stop::from);
        match silenced {
            Err(stop) if stop.has_code("42501") => Ok(false),
            Err(stop) => Err(stop),
            Ok(()) => {
                self.silent = true;
                Ok(true)
            }
        }
    }

    pub(super) fn is_connected(&self) -> bool {
        self.db.is_some()
    }

    /// Lets go of a connection that broke.
    pub(super) fn break_off(&mut self) {
        self.db = None;
    }

    /// Ends the connection, and the exclusive right with it.
    pub(super) async fn close(&mut self) {
        if let Some(mut db) = self.db.take() {
            // The server notices the end a moment later, and until then the next run would have to wait.
            let unlock = sqlx::query("SELECT pg_advisory_unlock_all()");
            let _ = unlock.execute(&mut db).await;
            // It ends in any case.
            let _ = db.close().await;
        }
    }
}

/// Connects, if that is to be done, and takes the lock or tells who has it.
async fn attempt(
    location: &Location,
    hold: Hold,
    db: Option<PgConnection>,
) -> Result<(PgConnection, Option<Holder>), Stop> {
    let mut db = match db {
        Some(db) => db,
        None => location.connect_to(hold.database(location)).await?,
    };
    let holder = lock::attempt(&mut db, location, hold).await?;
    Ok((db, holder))
}

async fn silence(db: &mut PgConnection) -> sqlx::Result<()> {
    sqlx::raw_sql("SET session_replication_role = replica")
        .execute(db)
        .await
        .map(drop)
}
