use mysql_async::prelude::Queryable;
use mysql_async::{Conn, Opts, TxOpts};
use venomqa_adapters::{MySqlMode, MySqlOptions, Result, System};
use venomqa_tests::servers::{BinaryLog, MariaDb};

use crate::Subject;

/// Ten tables like those of a small shop.
pub(crate) struct Tables {
    server: MariaDb,
    application: Conn,
    /// Whether the server counts the rows by `AUTO_INCREMENT`, which it sets back only by an `ALTER TABLE`.
    counted: bool,
}

const DATABASE: &str = "bench";

impl Tables {
    pub(crate) async fn create(counted: bool) -> Self {
        let server = MariaDb::own(BinaryLog::FullRows, &[]);
        let opts = Opts::from_url(&server.url("")).expect("a URL");
        let mut application = Conn::new(opts).await.expect("it runs");
        let database = format!("CREATE DATABASE {DATABASE}; USE {DATABASE}");
        run(&mut application, database).await;
        let id = if counted { "AUTO_INCREMENT" } else { "" };
        for table in 0..10 {
            let schema = format!(
                "CREATE TABLE t{table}(id BIGINT {id} PRIMARY KEY, email VARCHAR(80) UNIQUE, name VARCHAR(80) NOT NULL,
                    qty INT NOT NULL DEFAULT 0, payload TEXT, made TIMESTAMP(6) DEFAULT CURRENT_TIMESTAMP(6), KEY (qty))"
            );
            run(&mut application, schema).await;
        }
        Self {
            server,
            application,
            counted,
        }
    }

    async fn open(&self, mode: MySqlMode) -> Result<Box<dyn System>> {
        let options = MySqlOptions::from_url(&self.server.url(DATABASE))?.mode(mode);
        Ok(Box::new(options.connect().await?))
    }
}

async fn run(db: &mut Conn, sql: String) {
    db.query_drop(sql)
        .await
        .expect("a statement of the benchmark");
}

impl Subject for Tables {
    async fn fill(&mut self, rows: usize) {
        for table in 0..10 {
            run(&mut self.application, format!("TRUNCATE t{table}")).await;
            let fill = format!(
                "INSERT INTO t{table}(id, email, name, qty, payload)
                 SELECT seq, CONCAT('u', seq, '@example.org'), CONCAT('name ', seq), seq, REPEAT('x', 80) FROM seq_1_to_{rows}"
            );
            run(&mut self.application, fill).await;
        }
    }

    async fn change(&mut self, round: usize, rows: usize) {
        let counted = self.counted;
        let mut changes = self
            .application
            .start_transaction(TxOpts::new())
            .await
            .expect("a transaction");
        for n in 0..rows {
            let (table, id) = (n % 10, (round + n / 10) % 100 + 1);
            let change = match n % 3 {
                0 => format!("UPDATE t{table} SET qty = qty + 1 WHERE id = ?"),
                1 if counted => {
                    format!("INSERT INTO t{table}(email, name) VALUES (CONCAT('new', ?), 'n')")
                }
                1 => format!(
                    "INSERT INTO t{table}(id, email, name) SELECT 1000000 + n, CONCAT('new', n), 'n' FROM (SELECT ? AS n) new"
                ),
                _ => format!("DELETE FROM t{table} WHERE id = ?"),
            };
            changes.exec_drop(change, (id,)).await.expect("changed");
        }
        changes.commit().await.expect("committed");
    }

    fn note(&self) -> &'static str {
        match self.counted {
            true => ", AUTO_INCREMENT goes back too",
            false => "",
        }
    }

    async fn round_trip(&mut self) {
        let one: Option<i32> = self
            .application
            .exec_first("SELECT 1", ())
            .await
            .expect("it answers");
        assert_eq!(one, Some(1));
    }

    async fn following(&mut self) -> Result<Box<dyn System>> {
        self.open(MySqlMode::Binlog).await
    }

    async fn copying(&mut self) -> Result<Box<dyn System>> {
        self.open(MySqlMode::Copy).await
    }
}
