use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{AssertSqlSafe, ConnectOptions, raw_sql};

use super::lock::ELSEWHERE;
use super::options::{PostgresMode, PostgresOptions};
use super::said::Said;
use super::stop::Stop;
use crate::database::exclusive::this_run;
use crate::database::safety::{refuse_production, refuse_production_host, refuse_remote};
use crate::{Error, Result};

/// What the names of our connections begin with, for others to know them by.
pub(super) const LABEL: &str = "venomqa";

/// How the text of values looks, whatever the server, the database or the user has set.
const FIXED_TEXT: &str = "SET DateStyle = 'ISO, MDY'; SET IntervalStyle = 'postgres'; SET TimeZone = 'UTC'; \
    SET extra_float_digits = 1; SET bytea_output = 'hex'; SET lc_monetary = 'C';";

/// Few rows are looked for again and again, by an index: plans are made once, and for that. What is compiled takes longer than it saves.
const FIXED_PLANS: &str =
    "SET plan_cache_mode = force_generic_plan; SET enable_bitmapscan = off; SET jit = off;";

/// Where a database is, and how to reach it.
#[derive(Clone, Debug)]
pub(super) struct Location {
    /// As a person names it (`PostgreSQL database orders on localhost:5432`).
    pub(super) name: String,
    pub(super) database: String,
    pub(super) user: String,
    pub(super) options: PostgresOptions,
}

impl Location {
    /// The place that the options name, unless it does not look like one for tests.
    pub(super) fn new(options: PostgresOptions) -> Result<Self> {
        let server = &options.server;
        let host = match server.get_socket() {
            Some(socket) => socket.display().to_string(),
            None => server.get_host().to_owned(),
        };
        let user = server.get_username().to_owned();
        // Without a name the server would choose one after the user, such as `postgres`, which is nobody's test database.
        let Some(database) = server.get_database().map(str::to_owned) else {
            return Err(Error::Refused {
                system: format!("PostgreSQL on {host}"),
                why: "no database is named".into(),
                remedy: "name one, as in `postgres://user:password@localhost:5432/orders`".into(),
            });
        };
        let name = format!(
            "PostgreSQL database {database} on {host}:{}",
            server.get_port()
        );
        refuse_remote(&name, &host, options.allow_remote)?;
        refuse_production(&name, "the database's name", &database)?;
        // The path of a socket is that of its folder, which says nothing.
        if server.get_socket().is_none() {
            refuse_production_host(&name, &host)?;
        }
        if options.mode == PostgresMode::Template && database == ELSEWHERE {
            return Err(Error::Refused {
                system: name,
                why: format!(
                    "copies are made from a connection to `{ELSEWHERE}`, so it cannot be copied itself"
                ),
                remedy: "explore a database of another name, or use `PostgresMode::Journal`".into(),
            });
        }
        Ok(Self {
            name,
            database,
            user,
            options,
        })
    }

    /// Connects for work of our own: waits for locks only as long as it may, and sees only what it names in full.
    pub(super) async fn connect(&self) -> Result<PgConnection, Stop> {
        self.connect_to(&self.database).await
    }

    /// As [`connect`](Self::connect), to another database of the server.
    pub(super) async fn connect_to(&self, database: &str) -> Result<PgConnection, Stop> {
        let mut db = self.server(database).connect().await?;
        let lock_timeout = self.options.lock_timeout.as_millis().max(1);
        let settings = format!(
            "{FIXED_TEXT} {FIXED_PLANS} SET search_path = pg_catalog, pg_temp; SET row_security = off; \
             SET client_min_messages = warning; SET synchronous_commit = off; SET lock_timeout = {lock_timeout}; \
             SET statement_timeout = 0; SET idle_in_transaction_session_timeout = 0; SET default_transaction_read_only = off; \
             SET default_transaction_isolation = 'read committed'; SET default_transaction_deferrable = off"
        );
        raw_sql(AssertSqlSafe(settings)).execute(&mut db).await?;
        Ok(db)
    }

    /// Connects for statements of the user: names are looked up as they are for anybody.
    pub(super) async fn connect_user(&self) -> sqlx::Result<PgConnection> {
        let mut db = self.server(&self.database).connect().await?;
        raw_sql(FIXED_TEXT).execute(&mut db).await?;
        Ok(db)
    }

    fn server(&self, database: &str) -> PgConnectOptions {
        let server = self.options.server.clone().database(database);
        server
            .application_name(&format!("{LABEL} {}", this_run()))
            .disable_statement_logging()
    }

    /// The error of something that the server refused.
    pub(super) fn failed(&self, doing: &str, source: sqlx::Error) -> Error {
        if cfg!(not(feature = "tls")) && matches!(source, sqlx::Error::Tls(_)) {
            return Error::Refused {
                system: self.name.clone(),
                why: "it is to be reached by TLS, which this program was built without".into(),
                remedy: "add the feature `tls` to `venomqa`, or use `?sslmode=disable`".into(),
            };
        }
        Error::Database {
            system: self.name.clone(),
            doing: doing.into(),
            source: Said(source).into(),
        }
    }
}

/// A name as an identifier in SQL.
pub(super) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// A text as a constant in SQL, whatever the session takes backslashes for.
pub(super) fn literal(text: &str) -> String {
    format!("E'{}'", text.replace('\\', "\\\\").replace('\'', "''"))
}
