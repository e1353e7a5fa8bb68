//! Runs that do not end as they should, and servers that do not last.

use std::time::Duration;

use libtest_mimic::Failed;
use mysql_async::prelude::Queryable;
use venomqa_adapters::{Error, MySqlAdapter, MySqlMode, Result, System};

use crate::app::App;
use crate::bench::{Bench, NOTHING, Test, begin, lines};

type Outcome = std::result::Result<(), Failed>;

pub(crate) const TESTS: &[Test] = &[
    (
        "a_run_that_ended_early_is_ended_by_the_next",
        ended_by_the_next,
    ),
    ("a_lost_way_back_is_named", lost_way_back),
    (
        "a_fresh_database_owes_nothing_to_an_old_run",
        fresh_database,
    ),
    (
        "what_an_early_end_before_the_beginning_leaves_is_removed",
        ended_before_the_beginning,
    ),
    ("a_killed_connection_is_made_again", killed_connections),
    ("a_caller_that_gives_up_does_no_harm", given_up),
    ("a_copy_that_was_removed_meanwhile_is_named", copy_removed),
];

/// Begins, changes something and lets the adapter go without closing it, as a panic does.
pub(crate) async fn abandon(bench: &Bench, app: &mut App, mode: MySqlMode) -> Result<()> {
    let system = bench.options().mode(mode).connect().await?;
    begin(&system).await?;
    app.run("DELETE FROM orders WHERE id = 2");
    system.seal().await?;
    app.run("INSERT INTO orders(status) VALUES('later')");
    Ok(())
}

fn ended_by_the_next(bench: &mut Bench) -> Outcome {
    bench.block_on(async |bench| {
        let mut app = bench.app().await;
        let mut looker = bench.looker().await;
        let before = looker.dump().await;
        for mode in [MySqlMode::Binlog, MySqlMode::Copy] {
            abandon(bench, &mut app, mode).await?;
            assert_ne!(looker.dump().await, before);
            let next = bench.connect().await?;
            assert_eq!(looker.dump().await, before, "{mode:?}");
            next.close().await?;
            assert_eq!(looker.ours().await, NOTHING);

            abandon(bench, &mut app, mode).await?;
            app.run("ALTER TABLE orders ADD COLUMN late INT");
            app.run("DROP TABLE notes");
            MySqlAdapter::cleanup(&bench.url()).await?;
            assert_eq!(looker.dump().await, before, "{mode:?}");
            assert_eq!(looker.ours().await, NOTHING);
        }
        // There is nothing to clean up any more.
        MySqlAdapter::cleanup(&bench.url()).await
    })
}

fn lost_way_back(bench: &mut Bench) -> Outcome {
    bench.block_on(async |bench| {
        let mut app = bench.app().await;
        abandon(bench, &mut app, MySqlMode::Binlog).await?;
        let mut root = bench.root().await;
        let side = format!("_venomqa_{}", bench.name);
        root.query_drop(format!("DROP TABLE `{side}`.run"))
            .await
            .expect("it goes");
        let mut looker = bench.looker().await;
        let before = looker.dump().await;
        let refused = bench.connect().await.expect_err("the record is gone");
        assert!(matches!(refused, Error::NotRestored { .. }), "{refused}");
        let told = refused.to_string();
        assert!(
            told.contains("make the database anew")
                && told.contains(&format!("DROP DATABASE `{side}`")),
            "{told}"
        );
        bench.page_shows(&refused);
        assert_eq!(looker.dump().await, before);
        assert!(!looker.ours().await.is_empty());
        root.query_drop(format!("DROP DATABASE `{side}`"))
            .await
            .expect("as it was told");
        bench.connect().await?.close().await?;
        assert_eq!(looker.ours().await, NOTHING);
        Ok(())
    })
}

fn fresh_database(bench: &mut Bench) -> Outcome {
    bench.block_on(async |bench| {
        let mut app = bench.app().await;
        abandon(bench, &mut app, MySqlMode::Binlog).await?;
        drop(app);
        let name = bench.name.clone();
        bench
            .root()
            .await
            .query_drop(format!("DROP DATABASE `{name}`"))
            .await
            .expect("it goes");
        let mut app = bench.app().await;
        app.run("INSERT INTO orders(status) VALUES('fresh')");
        app.run("CREATE TABLE newer(id INT)");
        let system = bench.connect().await?;
        assert_eq!(app.run("SELECT * FROM orders"), 3);
        begin(&system).await?;
        system.close().await?;
        assert_eq!(app.run("SELECT * FROM orders WHERE status = 'fresh'"), 1);
        assert_eq!(app.run("SELECT * FROM newer"), 0);
        assert_eq!(bench.looker().await.ours().await, NOTHING);
        Ok(())
    })
}

fn ended_before_the_beginning(bench: &mut Bench) -> Outcome {
    bench.block_on(async |bench| {
        let mut app = bench.app().await;
        drop(bench.connect().await?);
        assert!(!bench.looker().await.ours().await.is_empty());
        app.run("INSERT INTO orders(status) VALUES('meanwhile')");
        MySqlAdapter::cleanup(&bench.url()).await?;
        assert_eq!(bench.looker().await.ours().await, NOTHING);
        assert_eq!(app.run("SELECT * FROM orders"), 3);
        Ok(())
    })
}

/// Ends all connections to a database but those of the application, and those that follow the log.
pub(crate) async fn kill_ours(bench: &Bench) -> usize {
    let mut root = bench.root().await;
    let sql = format!(
        "SELECT id FROM information_schema.processlist WHERE db = '{}' AND (command = 'Binlog Dump' OR id IN \
         (SELECT IS_USED_LOCK('_venomqa_{0}')))",
        bench.name
    );
    let ours: Vec<u64> = root.query(sql).await.expect("connections");
    for id in &ours {
        root.query_drop(format!("KILL {id}"))
            .await
            .expect("it ends");
    }
    ours.len()
}

fn killed_connections(bench: &mut Bench) -> Outcome {
    bench.block_on(async |bench| {
        let mut app = bench.app().await;
        let mut looker = bench.looker().await;
        let before = looker.dump().await;
        let system = bench.connect().await?;
        let root = begin(&system).await?;
        app.run("DELETE FROM orders WHERE id = 2");
        assert_eq!(kill_ours(bench).await, 2);
        app.run("UPDATE orders SET paid = 1 WHERE id = 1");
        let told = [
            "items#2 removed",
            "items#3 removed",
            "orders#1: paid 0 -> 1",
            "orders#2 removed",
        ];
        assert_eq!(lines(&system.changes().await?), told);
        kill_ours(bench).await;
        let sealed = system.seal().await?;
        assert_eq!(sealed.untold, []);
        let dump = looker.dump().await;
        kill_ours(bench).await;
        app.run("INSERT INTO notes VALUES('foreign')");
        assert_eq!(
            lines(&system.restore(root).await?),
            ["notes added: line foreign"]
        );
        assert_eq!(looker.dump().await, before);
        kill_ours(bench).await;
        system.restore(sealed.checkpoint).await?;
        assert_eq!(looker.dump().await, dump);
        kill_ours(bench).await;
        system.close().await?;
        assert_eq!(looker.dump().await, before);
        assert_eq!(looker.ours().await, NOTHING);
        Ok(())
    })
}

fn given_up(bench: &mut Bench) -> Outcome {
    bench.block_on(async |bench| {
        let mut app = bench.app().await;
        let system = bench.connect().await?;
        let root = begin(&system).await?;
        app.run("UPDATE orders SET paid = 1 WHERE id = 1");
        // However far it got: each of these stops at another point.
        for micros in (0..3000).step_by(150) {
            let limit = Duration::from_micros(micros);
            let _ = tokio::time::timeout(limit, system.changes()).await;
            let _ = tokio::time::timeout(limit, system.restore(root)).await;
        }
        app.run("UPDATE orders SET paid = 2 WHERE id = 1");
        assert_eq!(lines(&system.changes().await?), ["orders#1: paid 0 -> 2"]);
        system.restore(root).await?;
        assert_eq!(app.run("SELECT * FROM orders WHERE paid = 0"), 1);
        system.close().await
    })
}

fn copy_removed(bench: &mut Bench) -> Outcome {
    bench.block_on(async |bench| {
        let mut app = bench.app().await;
        let system = bench.connect().await?;
        begin(&system).await?;
        app.run("UPDATE orders SET paid = 1 WHERE id = 1");
        let side = format!("_venomqa_{}", bench.name);
        bench
            .root()
            .await
            .query_drop(format!("DROP DATABASE `{side}`"))
            .await
            .expect("it goes");
        kill_ours(bench).await;
        let refused = system.changes().await.expect_err("the copy is gone");
        assert!(
            matches!(&refused, Error::NotRestored { why, .. } if why.contains(&side)),
            "{refused}"
        );
        let refused = system.close().await.expect_err("the copy is gone");
        assert!(matches!(refused, Error::NotRestored { .. }), "{refused}");
        assert_eq!(app.run("SELECT * FROM orders WHERE paid = 1"), 1);
        Ok(())
    })
}
