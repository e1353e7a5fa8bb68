use std::sync::{Mutex, MutexGuard, PoisonError};

use sqlx::Connection;
use sqlx::postgres::PgConnection;

use super::link::Link;
use super::location::Location;
use super::options::{PostgresMode, PostgresOptions};
use super::query::{self, Outcome};
use super::recover;
use super::session::Session;
use super::shared::{Lending, PostgresConnection};
use super::stop::Stop;
use crate::database::patience::Patience;
use crate::database::told::Told;
use crate::{About, BoxFuture, Error, Params, Record, Result, Value};

/// A PostgreSQL database that an API under test holds open and commits to.
#[derive(Debug)]
pub struct PostgresAdapter {
    pub(super) location: Location,
    pub(super) told: Told,
    pub(super) stage: tokio::sync::Mutex<Stage>,
    /// Present in [`PostgresMode::Savepoint`].
    pub(super) lending: Option<Lending>,
    /// For statements of the user: triggers fire, so what it writes is followed.
    user: tokio::sync::Mutex<Option<PgConnection>>,
    /// What this system was when it was looked at last, for reports that come after.
    last_about: Mutex<About>,
}

/// How far a run got.
#[derive(Debug)]
pub(super) enum Stage {
    /// Nothing has begun.
    Ready(Box<Link>),
    /// Between `begin` and `close`.
    Running(Box<dyn Session>),
    Closed,
}

impl PostgresAdapter {
    /// Takes hold of the database of a URL such as `postgres://user:password@localhost/orders`, and restores it if a run before this one
    /// crashed.
    ///
    /// Waits for another run that explores the same database.
    ///
    /// # Errors
    ///
    /// As for [`PostgresOptions::from_url`] and [`PostgresOptions::connect`].
    pub async fn connect(url: &str) -> Result<Self> {
        PostgresOptions::from_url(url)?.connect().await
    }

    /// Restores and removes what a run that crashed left, without starting another.
    ///
    /// # Errors
    ///
    /// As for [`PostgresOptions::from_url`] and [`PostgresOptions::cleanup`].
    pub async fn cleanup(url: &str) -> Result<()> {
        PostgresOptions::from_url(url)?.cleanup().await
    }

    pub(super) async fn take_hold(options: PostgresOptions) -> Result<Self> {
        let location = Location::new(options)?;
        let link = recover::open(&location).await?;
        let about = About {
            name: location.name.clone(),
            mechanism: "chosen when the run begins".into(),
            gaps: Vec::new(),
            sees_foreign_commits: true,
        };
        let lending =
            (location.options.mode == PostgresMode::Savepoint).then(|| Lending::new(&location));
        Ok(Self {
            told: Told::without(&location.options.ignored_columns),
            lending,
            location,
            stage: tokio::sync::Mutex::new(Stage::Ready(Box::new(link))),
            user: tokio::sync::Mutex::new(None),
            last_about: Mutex::new(about),
        })
    }

    /// Lends the connection of [`PostgresMode::Savepoint`] to an application in this process, for one request: waits until nobody
    /// else has it, up to the limit of [`PostgresOptions::settle`].
    ///
    /// ```no_run
    /// # use venomqa_adapters::{PostgresAdapter, Result};
    /// # async fn check(db: &PostgresAdapter) -> Result<(), Box<dyn std::error::Error>> {
    /// let mut connection = db.connection().await?;
    /// sqlx::query("INSERT INTO orders (amount) VALUES ($1)").bind(100).execute(&mut *connection).await?;
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    ///
    /// Another mode was chosen, nobody answers, the connection is not given back, or the transaction of the run was ended by somebody.
    pub async fn connection(&self) -> Result<PostgresConnection> {
        let doing = "lend its connection";
        let Some(lending) = &self.lending else {
            return Err(self.misused(
                doing,
                "only `PostgresMode::Savepoint` shares one with the application",
            ));
        };
        match lending.lend().await {
            Ok(connection) => Ok(connection),
            Err(stop) => Err(stop.into_error(&self.location, doing).await),
        }
    }

    /// Makes a copy of what the database held when the run began, under another name on the same server, for
    /// [`PostgresMode::Template`] only. It goes with the run.
    ///
    /// # Errors
    ///
    /// Another mode was chosen, no run has begun, or there is a database of this name.
    pub async fn clone_database(&self, name: &str) -> Result<()> {
        let mut stage = self.stage.lock().await;
        let doing = format!("clone it as {name}");
        let Stage::Running(session) = &mut *stage else {
            return Err(self.misused(&doing, "no run has begun, or it was closed"));
        };
        match session.clone_database(name).await {
            Ok(()) => Ok(()),
            Err(stop) => Err(stop.into_error(&self.location, &doing).await),
        }
    }

    /// The rows that a query returns, read through a connection of its own, or the one that is shared: then not while
    /// [`connection`](Self::connection) is held.
    ///
    /// Parameters take the type of their place: in `WHERE id = $1` a text may stand for a UUID.
    ///
    /// # Errors
    ///
    /// PostgreSQL refuses the statement.
    pub async fn query(&self, sql: &str, params: impl Params) -> Result<Vec<Record>> {
        Ok(self.as_user(sql, params.into_values()).await?.records)
    }

    /// Runs a statement, or several without parameters, and returns how many rows the last one changed. What it writes counts
    /// as a change, as if the API had written it.
    ///
    /// # Errors
    ///
    /// PostgreSQL refuses the statement.
    pub async fn execute(&self, sql: &str, params: impl Params) -> Result<usize> {
        let changed = self.as_user(sql, params.into_values()).await?.changed;
        Ok(changed.try_into().unwrap_or(usize::MAX))
    }

    async fn as_user(&self, sql: &str, params: Vec<Value>) -> Result<Outcome> {
        let doing = || format!("run `{sql}`");
        if self.lending.is_some() {
            let outcome = query::run(&mut *self.connection().await?, sql, &params).await;
            return outcome.map_err(|error| self.location.failed(&doing(), error));
        }
        let mut user = self.user.lock().await;
        let db = match &mut *user {
            Some(db) => db,
            None => {
                let db = self.location.connect_user().await;
                user.insert(db.map_err(|error| self.location.failed(&doing(), error))?)
            }
        };
        let outcome = query::run(db, sql, &params).await.map_err(Stop::from);
        if self.location.options.mode == PostgresMode::Template
            && let Some(db) = user.take()
        {
            // Nobody may be connected while a copy is made. It ends in any case.
            let _ = db.close().await;
        }
        match outcome {
            Ok(outcome) => Ok(outcome),
            Err(stop) => {
                if stop.is_lost() {
                    *user = None;
                }
                Err(stop.into_user_error(&self.location, &doing()))
            }
        }
    }

    pub(super) fn last_about(&self) -> MutexGuard<'_, About> {
        self.last_about
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Attempts something between `begin` and `close` until nobody is in the way.
    pub(super) async fn when_quiet<T>(
        &self,
        doing: &str,
        mut attempt: impl for<'a> FnMut(&'a mut dyn Session) -> BoxFuture<'a, Result<T, Stop>> + Send,
    ) -> Result<T> {
        let mut stage = self.stage.lock().await;
        let Stage::Running(session) = &mut *stage else {
            return Err(self.misused(doing, "no run has begun, or it was closed"));
        };
        let mut patience = Patience::new(self.location.options.settle);
        loop {
            match attempt(session.as_mut()).await {
                Ok(value) => return Ok(value),
                Err(stop) => {
                    if stop.is_lost() {
                        session.link().break_off();
                    }
                    if !stop.is_passing() || !patience.lasts().await {
                        return Err(stop.into_error(&self.location, doing).await);
                    }
                }
            }
        }
    }

    pub(super) fn misused(&self, doing: &str, why: &str) -> Error {
        Error::Database {
            system: self.location.name.clone(),
            doing: doing.into(),
            source: why.into(),
        }
    }

    /// Closes the connection for statements of the user.
    pub(super) async fn dismiss_user(&self) {
        if let Some(db) = self.user.lock().await.take() {
            // It ends in any case.
            let _ = db.close().await;
        }
    }
}
