//! An application in the same process that shares the adapter's connection, or does not.

use std::time::Duration;

use libtest_mimic::Failed;
use mysql_async::prelude::Queryable;
use venomqa_adapters::{Error, MySqlAdapter, MySqlMode, Result, System};

use crate::bench::{Bench, NOTHING, Test, begin, lines};

type Outcome = std::result::Result<(), Failed>;

pub(crate) const TESTS: &[Test] = &[
    ("savepoints_go_back_in_stack_order", stack_order),
    (
        "the_end_of_the_shared_transaction_is_an_error_and_undone",
        ended_transaction,
    ),
    (
        "an_application_that_does_not_share_the_connection_is_noticed",
        not_shared,
    ),
    (
        "a_connection_that_is_not_given_back_is_named",
        not_given_back,
    ),
    ("a_lost_shared_connection_is_an_error", lost_connection),
];

async fn shared(bench: &Bench) -> Result<MySqlAdapter> {
    let options = bench.options().mode(MySqlMode::Savepoint);
    options.settle(Duration::from_millis(300)).connect().await
}

async fn run(system: &MySqlAdapter, sql: &str) -> Result<()> {
    let mut conn = system.connection().await?;
    conn.query_drop(sql)
        .await
        .unwrap_or_else(|error| panic!("{sql}: {error}"));
    Ok(())
}

fn stack_order(bench: &mut Bench) -> Outcome {
    bench.block_on(async |bench| {
        let _app = bench.app().await;
        let before = bench.looker().await.dump().await;
        let system = shared(bench).await?;
        let root = begin(&system).await?;
        run(&system, "UPDATE orders SET paid = 1 WHERE id = 1").await?;
        assert_eq!(lines(&system.changes().await?), ["orders#1: paid 0 -> 1"]);
        let one = system.seal().await?.checkpoint;
        run(&system, "DELETE FROM orders WHERE id = 2").await?;
        let two = system.seal().await?.checkpoint;
        system.restore(one).await?;
        assert!(!system.can_restore(two));
        let refused = system
            .restore(two)
            .await
            .expect_err("it was gone back over");
        assert!(matches!(refused, Error::OutOfReach { .. }), "{refused}");
        // What the adapter itself runs goes through the shared connection.
        assert_eq!(
            system
                .query("SELECT * FROM orders WHERE paid = 1", ())
                .await?
                .len(),
            1
        );
        system
            .execute("INSERT INTO orders(status) VALUES('new')", ())
            .await?;
        assert_eq!(system.changes().await?.len(), 1);
        system.restore(root).await?;
        assert_eq!(system.changes().await?, []);
        assert!(
            system
                .about()
                .gaps
                .iter()
                .any(|gap| gap.contains("AUTO_INCREMENT")),
            "{:?}",
            system.about()
        );
        system.close().await?;
        assert_eq!(bench.looker().await.dump().await, before);
        assert_eq!(bench.looker().await.ours().await, NOTHING);
        Ok(())
    })
}

fn ended_transaction(bench: &mut Bench) -> Outcome {
    bench.block_on(async |bench| {
        let _app = bench.app().await;
        let before = bench.looker().await.dump().await;
        for end in [
            "COMMIT",
            "ROLLBACK",
            "START TRANSACTION",
            "CREATE TABLE late(id INT)",
        ] {
            let system = shared(bench).await?;
            let root = begin(&system).await?;
            run(&system, "UPDATE orders SET paid = 1 WHERE id = 1").await?;
            system.seal().await?;
            run(&system, end).await?;
            for refused in [
                system.changes().await.map(drop),
                system.seal().await.map(drop),
                system.restore(root).await.map(drop),
            ] {
                let Err(Error::Irreversible {
                    statement, remedy, ..
                }) = &refused
                else {
                    panic!("{end}: {refused:?}");
                };
                assert!(
                    statement.contains("COMMIT") && statement.contains("change of the schema"),
                    "{statement}"
                );
                assert!(
                    remedy.contains("closing the run puts everything back"),
                    "{remedy}"
                );
                bench.page_shows(refused.as_ref().expect_err("it is one"));
            }
            system.close().await?;
            assert_eq!(bench.looker().await.dump().await, before, "{end}");
            assert_eq!(bench.looker().await.ours().await, NOTHING);
        }
        Ok(())
    })
}

fn not_shared(bench: &mut Bench) -> Outcome {
    bench.block_on(async |bench| {
        let mut app = bench.app().await;
        let before = bench.looker().await.dump().await;
        let system = shared(bench).await?;
        begin(&system).await?;
        app.run("UPDATE orders SET paid = 1 WHERE id = 1");
        let refused = system
            .changes()
            .await
            .expect_err("another connection committed");
        let told = refused.to_string();
        assert!(matches!(refused, Error::Refused { .. }), "{told}");
        bench.page_shows(&refused);
        assert!(
            told.contains("does not share the adapter's connection") && told.contains("orders#1"),
            "{told}"
        );
        assert!(told.contains("connection()"), "{told}");
        system.close().await?;
        assert_eq!(bench.looker().await.dump().await, before);
        Ok(())
    })
}

fn not_given_back(bench: &mut Bench) -> Outcome {
    bench.block_on(async |bench| {
        let _app = bench.app().await;
        let system = shared(bench).await?;
        let root = begin(&system).await?;
        let lent = system.connection().await?;
        let refused = system.restore(root).await.expect_err("it is lent");
        assert!(
            matches!(&refused, Error::Busy { remedy, .. } if remedy.contains("connection()")),
            "{refused}"
        );
        drop(lent);
        system.restore(root).await?;
        system.close().await
    })
}

fn lost_connection(bench: &mut Bench) -> Outcome {
    bench.block_on(async |bench| {
        let _app = bench.app().await;
        let before = bench.looker().await.dump().await;
        let system = shared(bench).await?;
        let root = begin(&system).await?;
        run(&system, "UPDATE orders SET paid = 1 WHERE id = 1").await?;
        let id = system.connection().await?.id();
        bench.root().await.query_drop(format!("KILL {id}")).await.expect("it ends");
        let refused = system.restore(root).await.expect_err("it is gone");
        assert!(matches!(&refused, Error::Irreversible { statement, .. } if statement.contains("lent connection")), "{refused}");
        system.close().await?;
        assert_eq!(bench.looker().await.dump().await, before);
        assert_eq!(bench.looker().await.ours().await, NOTHING);
        Ok(())
    })
}
