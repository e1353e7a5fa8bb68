//! A server with a database for each test, and what tests ask of both.

use std::rc::Rc;
use std::time::Duration;

use libtest_mimic::{Failed, Trial};
use mysql_async::prelude::Queryable;
use mysql_async::{Conn, Opts};
use tokio::runtime::Runtime;
use venomqa_adapters::{Checkpoint, Error, MySqlAdapter, MySqlOptions, Result, RowChange, System};
use venomqa_tests::Page;
use venomqa_tests::servers::MariaDb;

use crate::app::App;
use crate::app::dialect::Dialect;
use crate::app::look::Looker;

pub(crate) const NOTHING: [&str; 0] = [];

/// A test, by what it shows.
pub(crate) type Test = (
    &'static str,
    fn(&mut Bench) -> std::result::Result<(), Failed>,
);

/// One trial for each test, on databases of this server.
pub(crate) fn trials(server: &MariaDb, tests: &[Test]) -> Vec<Trial> {
    let trial = |&(name, test): &Test| {
        let base = server.url("");
        Trial::test(name, move || test(&mut Bench::new(&base, name)))
    };
    tests.iter().map(trial).collect()
}

/// A database of its own on a server.
pub(crate) struct Bench {
    base: String,
    pub(crate) name: String,
    pub(crate) dialect: Dialect,
    runtime: Rc<Runtime>,
}

impl Bench {
    pub(crate) fn new(base: &str, name: &str) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build();
        // Names have at most 64 characters, also of what a run makes beside it.
        let name = name.chars().take(55).collect();
        let runtime = runtime.expect("a runtime");
        let dialect = runtime.block_on(async {
            let mut conn = connect(base).await.expect("a connection");
            Dialect::of(&mut conn).await
        });
        Self {
            base: base.into(),
            name,
            dialect,
            runtime: Rc::new(runtime),
        }
    }

    pub(crate) fn block_on(
        &mut self,
        test: impl AsyncFnOnce(&mut Self) -> Result<()>,
    ) -> std::result::Result<(), Failed> {
        let runtime = self.runtime.clone();
        Ok(runtime.block_on(test(self))?)
    }

    /// The page of the guide shows this, for a database called `orders`.
    #[track_caller]
    pub(crate) fn page_shows(&self, error: &Error) {
        let error = error.to_string().replace(&self.name, "orders");
        // It shows what MariaDB says, which here does not look up names.
        let error = error.replacen("MySQL", "MariaDB", 1);
        Page::of("mysql").shows(&error.replace("root@localhost:", "root@127.0.0.1:"));
    }

    pub(crate) fn url(&self) -> String {
        self.url_of(&self.name)
    }

    pub(crate) fn url_of(&self, database: &str) -> String {
        format!("{}{database}", self.base)
    }

    /// The same for another account.
    pub(crate) fn url_as(&self, user: &str) -> String {
        self.url().replacen("root@", &format!("{user}@"), 1)
    }

    /// An account of this test's own, which is not there yet.
    pub(crate) fn account(&self, what: &str) -> String {
        format!("{what}_{}", self.name.chars().take(20).collect::<String>())
    }

    /// What a run needs for all databases, and no more.
    pub(crate) fn rights_of_a_run(&self) -> &'static str {
        match self.dialect {
            Dialect::MariaDb => {
                "REPLICATION SLAVE, BINLOG MONITOR, BINLOG ADMIN, BINLOG REPLAY, PROCESS"
            }
            Dialect::MySql => {
                "REPLICATION SLAVE, REPLICATION CLIENT, REPLICATION_APPLIER, BINLOG_ADMIN, SYSTEM_VARIABLES_ADMIN, PROCESS"
            }
        }
    }

    /// Makes the empty database.
    pub(crate) async fn make(&self) {
        let sql = format!(
            "{}; CREATE DATABASE `{}` CHARACTER SET utf8mb4",
            self.without(),
            self.name
        );
        self.root()
            .await
            .query_drop(sql)
            .await
            .expect("a new database");
    }

    /// What removes the database, and what a run on it left.
    fn without(&self) -> String {
        let databases = [&*self.name, &format!("_venomqa_{}", self.name)];
        let drop = databases.map(|name| format!("DROP DATABASE IF EXISTS `{name}`"));
        format!("SET foreign_key_checks = 0; {}", drop.join("; "))
    }

    /// Makes the database and starts the application with a few orders.
    pub(crate) async fn app(&self) -> App {
        self.make().await;
        let mut app = App::start(&self.url());
        for sql in ORDERS {
            app.run(sql);
        }
        app
    }

    /// A connection of the administrator, to no database.
    pub(crate) async fn root(&self) -> Conn {
        connect(&self.base).await.expect("a connection")
    }

    /// Ends a prepared transaction from a connection to no database.
    pub(crate) async fn end_prepared(&self, sql: &str) {
        self.root().await.query_drop(sql).await.expect("it ends");
    }

    pub(crate) async fn looker(&self) -> Looker {
        Looker::open(&self.url()).await
    }

    pub(crate) fn options(&self) -> MySqlOptions {
        MySqlOptions::from_url(&self.url()).expect("a URL")
    }

    pub(crate) async fn connect(&self) -> Result<MySqlAdapter> {
        self.options().connect().await
    }

    /// Connects with little patience.
    pub(crate) async fn impatient(&self) -> Result<MySqlAdapter> {
        self.options()
            .settle(Duration::from_millis(300))
            .connect()
            .await
    }
}

async fn connect(base: &str) -> mysql_async::Result<Conn> {
    Conn::new(Opts::from_url(base).expect("a URL")).await
}

/// A server that somebody named is left as it was.
impl Drop for Bench {
    fn drop(&mut self) {
        let remove = async {
            let mut conn = connect(&self.base).await?;
            let sql = format!("SET lock_wait_timeout = 5; {}", self.without());
            conn.query_drop(sql).await
        };
        // A test that failed may leave it locked; the next one removes it first.
        let _ = self.runtime.block_on(remove);
    }
}

const ORDERS: &[&str] = &[
    "CREATE TABLE orders(id INT AUTO_INCREMENT PRIMARY KEY, status VARCHAR(20), paid INT NOT NULL DEFAULT 0)",
    "CREATE TABLE items(id INT AUTO_INCREMENT PRIMARY KEY, order_id INT NOT NULL, what VARCHAR(20), FOREIGN KEY(order_id) REFERENCES orders(id) ON DELETE CASCADE)",
    "CREATE TABLE notes(line VARCHAR(100))",
    "INSERT INTO orders(status, paid) VALUES('new', 0), ('paid', 100)",
    "INSERT INTO items(order_id, what) VALUES(1, 'tea'), (2, 'milk'), (2, 'cups')",
];

pub(crate) async fn begin(system: &MySqlAdapter) -> Result<Checkpoint> {
    Ok(system.begin(&mut |_, _| {}).await?.checkpoint)
}

pub(crate) fn lines(changes: &[RowChange]) -> Vec<String> {
    changes.iter().map(ToString::to_string).collect()
}
