//! The conformance of savepoints: hostile statements over the lent connection.

use libtest_mimic::{Failed, Trial};
use sqlx::{AssertSqlSafe, Connection, PgConnection, Postgres, Transaction, raw_sql};
use std::sync::{Arc, LazyLock};
use venomqa_adapters::conformance::{Conformance, Contents, Dice, Workload};
use venomqa_adapters::{BoxFuture, PostgresAdapter};
use venomqa_tests::servers;

use crate::bench::{NOTHING, in_database};
use crate::hostile::{SCHEMA, is_expected, statement};
use crate::look::{self, Looker};
use crate::savepoint::options;

pub(crate) fn trials(server: &Arc<LazyLock<servers::Postgres>>) -> Vec<Trial> {
    let server = server.clone();
    vec![Trial::test("conformance_Savepoint", move || {
        conformance(&server)
    })]
}

/// The hostile statements over the lent connection, each a request of its own.
struct Sharing<'a> {
    adapter: &'a PostgresAdapter,
    /// For what can be seen from outside once the run is over.
    outside: Looker,
    applied: usize,
}

impl Workload for Sharing<'_> {
    fn change<'a>(&'a mut self, dice: &'a mut Dice) -> BoxFuture<'a, ()> {
        Box::pin(async {
            let sql = statement(dice);
            if sql.starts_with("COPY") {
                return;
            }
            let mut connection = self.adapter.connection().await.expect("it is lent");
            let outcome = match sql
                .strip_prefix("BEGIN; ")
                .and_then(|rest| rest.rsplit_once("; "))
            {
                None => raw_sql(AssertSqlSafe(sql.clone()))
                    .execute(&mut *connection)
                    .await
                    .map(drop),
                Some((statements, end)) => {
                    async {
                        let mut transaction = connection.begin().await?;
                        raw_sql(AssertSqlSafe(statements))
                            .execute(&mut *transaction)
                            .await?;
                        match end {
                            "COMMIT" => transaction.commit().await,
                            _ => transaction.rollback().await,
                        }
                    }
                    .await
                }
            };
            self.applied += usize::from(outcome.is_ok());
            if let Err(error) = outcome {
                assert!(is_expected(&error.to_string()), "{sql}: {error}");
            }
        })
    }

    fn contents(&mut self) -> BoxFuture<'_, Contents> {
        Box::pin(async {
            let mut connection = self.adapter.connection().await.expect("it is lent");
            look::contents(&mut *plainly(&mut connection).await).await
        })
    }

    fn dump(&mut self) -> BoxFuture<'_, String> {
        Box::pin(async {
            match self.adapter.connection().await {
                Ok(mut connection) => look::dump(&mut *plainly(&mut connection).await).await,
                Err(_) => self.outside.dump().await,
            }
        })
    }
}

/// A savepoint, not to be committed, in which names are shown in full.
async fn plainly(db: &mut PgConnection) -> Transaction<'_, Postgres> {
    let mut transaction = db.begin().await.expect("a savepoint");
    let settings = "SET LOCAL search_path = ''; SET LOCAL lc_monetary = 'C'";
    raw_sql(settings)
        .execute(&mut *transaction)
        .await
        .expect("settings");
    transaction
}

fn conformance(server: &servers::Postgres) -> std::result::Result<(), Failed> {
    in_database(server, SCHEMA, async |bench| {
        let mut outside = bench.looker().await;
        let before = outside.full_dump().await;
        let system = options(bench)?.connect().await?;
        let mut workload = Sharing {
            adapter: &system,
            outside,
            applied: 0,
        };
        let kit = Conformance {
            steps: 200,
            seed: 4,
            ..Conformance::default()
        };
        let walk = kit.check(&system, &mut workload).await;
        assert!(
            walk.jumps > 150 && walk.refusals > 20 && walk.changes > 150,
            "{walk:?}"
        );
        assert!(
            workload.applied > 150,
            "{} statements succeeded",
            workload.applied
        );
        assert_eq!(workload.outside.full_dump().await, before);
        assert_eq!(workload.outside.ours().await, NOTHING);
        Ok(())
    })
}
