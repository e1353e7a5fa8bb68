use mysql_async::prelude::Queryable;
use mysql_async::{Opts, OptsBuilder, Pool, PoolConstraints, PoolOpts, Transaction, TxOpts};

use super::bugs::Bug;
use crate::server::{Bugs, StartError, required, variable};

/// What must hold of balances is kept by the code, not by the schema: a schema cannot be switched to be wrong.
const SCHEMA: [&str; 5] = [
    "CREATE TABLE IF NOT EXISTS accounts (
        id      BIGINT      PRIMARY KEY,
        owner   VARCHAR(50) NOT NULL,
        balance BIGINT      NOT NULL,
        status  VARCHAR(10) NOT NULL DEFAULT 'open'
    )",
    "CREATE TABLE IF NOT EXISTS transfers (
        id       BIGINT  PRIMARY KEY AUTO_INCREMENT,
        payer    BIGINT  NOT NULL,
        payee    BIGINT  NOT NULL,
        amount   BIGINT  NOT NULL,
        reversed BOOLEAN NOT NULL DEFAULT FALSE,
        FOREIGN KEY (payer) REFERENCES accounts (id),
        FOREIGN KEY (payee) REFERENCES accounts (id)
    )",
    "CREATE TABLE IF NOT EXISTS entries (
        id          BIGINT PRIMARY KEY AUTO_INCREMENT,
        account_id  BIGINT NOT NULL,
        amount      BIGINT NOT NULL,
        reversal_of BIGINT,
        FOREIGN KEY (account_id) REFERENCES accounts (id)
    )",
    "INSERT IGNORE INTO accounts (id, owner, balance) VALUES (1, 'alice', 0), (2, 'bob', 100), (3, 'carol', 0)",
    "INSERT IGNORE INTO entries (id, account_id, amount) VALUES (1, 2, 100)",
];

/// What the handlers share. What it does for whom are methods beside the types of these things.
#[derive(Debug, Clone)]
pub(super) struct Wallet {
    pub(super) db: Pool,
    pub(super) bugs: Bugs<Bug>,
}

impl Wallet {
    pub(super) async fn from_env() -> Result<Self, StartError> {
        let bugs = variable("WALLET_BUGS").unwrap_or_default().parse()?;
        let url = required("DATABASE_URL", "mysql://root@127.0.0.1/wallet")?;
        let db = connect(&url)
            .await
            .map_err(StartError::of("the database"))?;
        Ok(Self { db, bugs })
    }

    pub(super) async fn begin(&self) -> mysql_async::Result<Transaction<'static>> {
        self.db.start_transaction(TxOpts::default()).await
    }
}

async fn connect(url: &str) -> mysql_async::Result<Pool> {
    let size = PoolConstraints::new(2, 4).unwrap_or_default();
    let pool = PoolOpts::new().with_constraints(size);
    let db = Pool::new(OptsBuilder::from_opts(Opts::from_url(url)?).pool_opts(pool));
    let mut setup = db.get_conn().await?;
    let made: Option<i64> = setup
        .query_first(
            "SELECT 1 FROM information_schema.tables WHERE table_schema = DATABASE() AND table_name = 'entries'",
        )
        .await?;
    if made.is_none() {
        for statement in SCHEMA {
            setup.query_drop(statement).await?;
        }
    }
    Ok(db)
}
