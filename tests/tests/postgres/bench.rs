//! A database of its own for each test, and what tests ask of it.

use std::sync::atomic::{AtomicU32, Ordering};

use libtest_mimic::Failed;
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, PgConnection, raw_sql};
use venomqa_adapters::Result;
use venomqa_tests::servers::Postgres;

use crate::look::Looker;

pub(crate) const NOTHING: [&str; 0] = [];

pub(crate) fn runtime() -> tokio::runtime::Runtime {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    builder.enable_all().build().expect("a runtime")
}

/// A database.
pub(crate) struct Bench {
    pub(crate) name: String,
    pub(crate) url: String,
    admin: String,
}

impl Bench {
    /// Makes a database by these statements.
    pub(crate) async fn new(server: &Postgres, schema: &str) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("test_{}_{number}", std::process::id());
        let bench = Self {
            url: server.url(&name),
            admin: server.url("postgres"),
            name,
        };
        bench
            .as_admin(&format!("CREATE DATABASE {}", bench.name))
            .await;
        bench.run(schema).await;
        bench
    }

    /// Removes the database, and the roles that are named after it: the server may not be ours.
    async fn remove(&self) {
        let name = &self.name;
        self.as_admin(&format!("DROP DATABASE {name} WITH (FORCE)"))
            .await;
        self.as_admin(&format!(
            "DO $$ DECLARE role text; BEGIN
                FOR role IN SELECT quote_ident(rolname) FROM pg_roles WHERE rolname ~ '{name}(\\D|$)' LOOP
                    EXECUTE 'DROP OWNED BY ' || role;
                    EXECUTE 'DROP ROLE ' || role;
                END LOOP;
             END $$"
        ))
        .await;
    }

    /// Runs statements in the database, on a connection that ends with them.
    pub(crate) async fn run(&self, sql: &str) {
        execute(&self.url, sql).await;
    }

    /// Runs statements in another database of the same server.
    pub(crate) async fn as_admin(&self, sql: &str) {
        execute(&self.admin, sql).await;
    }

    pub(crate) async fn looker(&self) -> Looker {
        Looker::open(&self.url).await
    }
}

async fn execute(url: &str, sql: &str) {
    let options: sqlx::postgres::PgConnectOptions = url.parse().expect("a URL");
    let mut db: PgConnection = options
        .disable_statement_logging()
        .connect()
        .await
        .expect("a connection");
    let done = raw_sql(AssertSqlSafe(sql)).execute(&mut db).await;
    done.unwrap_or_else(|error| panic!("{sql}: {error}"));
    db.close().await.expect("it ends");
}

/// Runs a test in a database of its own.
pub(crate) fn in_database(
    server: &Postgres,
    schema: &str,
    test: impl AsyncFnOnce(&Bench) -> Result<()>,
) -> std::result::Result<(), Failed> {
    runtime().block_on(async {
        let bench = Bench::new(server, schema).await;
        test(&bench).await?;
        bench.remove().await;
        Ok(())
    })
}
