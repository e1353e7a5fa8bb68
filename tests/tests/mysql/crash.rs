//! Runs that do not end as they should, and servers that do not last.

use std::time::Duration;

use libtest_mimic::{Failed, Trial};
use mysql_async::prelude::Queryable;
use venomqa_adapters::{Error, MySqlAdapter, MySqlMode, Result, System};
use venomqa_tests::servers::{BinaryLog, MariaDb};

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

/// Those that need a server for themselves.
pub(crate) fn trials() -> Vec<Trial> {
    let restarts = Trial::test("a_server_may_be_restarted_and_may_crash", restarts);
    let forgetful = Trial::test(
        "a_server_that_forgets_rows_in_a_crash_does_not_forget_the_root",
        forgetful,
    );
    let rotated = Trial::test("the_log_may_go_on_in_another_file", rotated);
    let purged = Trial::test("a_log_that_was_purged_is_made_good_by_comparing", purged);
    let without = Trial::test(
        "without_a_log_copies_are_taken_and_the_reason_told",
        without_log,
    );
    let filtered = Trial::test(
        "a_log_that_leaves_databases_out_is_not_followed",
        filtered_log,
    );
    let large = Trial::test("a_row_that_is_too_large_to_go_back_is_named", too_large);
    vec![
        restarts, forgetful, rotated, purged, without, filtered, large,
    ]
}

/// Begins, changes something and lets the adapter go without closing it, as a panic does.
async fn abandon(bench: &Bench, app: &mut App, mode: MySqlMode) -> Result<()> {
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
async fn kill_ours(bench: &Bench) -> usize {
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

fn restarts() -> Outcome {
    // Every commit is on disk at once: what a crash takes back is not the subject.
    let mut server = MariaDb::own(
        BinaryLog::FullRows,
        &["innodb-flush-log-at-trx-commit=1", "sync-binlog=1"],
    );
    let mut bench = Bench::new(&server.url(""), "restarted");
    bench.block_on(async |bench| {
        let mut app = bench.app().await;
        let before = bench.looker().await.dump().await;
        for mode in [MySqlMode::Binlog, MySqlMode::Copy] {
            for signal in ["TERM", "KILL"] {
                let options = bench.options().mode(mode).settle(Duration::from_secs(20));
                let system = options.connect().await?;
                let root = begin(&system).await?;
                app.run("UPDATE orders SET paid = 1 WHERE id = 1");
                let sealed = system.seal().await?.checkpoint;
                let dump = bench.looker().await.dump().await;
                app.run("INSERT INTO notes VALUES('untold')");
                server.restart(signal);
                assert_eq!(
                    lines(&system.changes().await?),
                    ["notes added: line untold"],
                    "{mode:?} {signal}"
                );
                system.restore(root).await?;
                assert_eq!(
                    bench.looker().await.dump().await,
                    before,
                    "{mode:?} {signal}"
                );
                server.restart(signal);
                system.restore(sealed).await?;
                assert_eq!(bench.looker().await.dump().await, dump, "{mode:?} {signal}");
                server.restart(signal);
                app = App::start(&bench.url());
                system.close().await?;
                assert_eq!(
                    bench.looker().await.dump().await,
                    before,
                    "{mode:?} {signal}"
                );
            }
            // The run and the server end together.
            abandon(bench, &mut app, mode).await?;
            server.restart("KILL");
            app = App::start(&bench.url());
            MySqlAdapter::cleanup(&bench.url()).await?;
            assert_eq!(bench.looker().await.dump().await, before, "{mode:?}");
            assert_eq!(bench.looker().await.ours().await, NOTHING);
        }
        Ok(())
    })
}

fn rotated() -> Outcome {
    let server = MariaDb::own(BinaryLog::FullRows, &[]);
    let mut bench = Bench::new(&server.url(""), "rotated");
    bench.block_on(async |bench| {
        let mut app = bench.app().await;
        let mut root_conn = bench.root().await;
        let system = bench.connect().await?;
        let root = begin(&system).await?;
        app.run("UPDATE orders SET paid = 1 WHERE id = 1");
        root_conn
            .query_drop("FLUSH BINARY LOGS")
            .await
            .expect("another file");
        assert_eq!(lines(&system.changes().await?), ["orders#1: paid 0 -> 1"]);
        app.run("UPDATE orders SET paid = 2 WHERE id = 1");
        root_conn
            .query_drop("FLUSH BINARY LOGS; FLUSH BINARY LOGS")
            .await
            .expect("another file");
        app.run("UPDATE orders SET paid = 3 WHERE id = 2");
        let told = ["orders#1: paid 0 -> 2", "orders#2: paid 100 -> 3"];
        assert_eq!(lines(&system.changes().await?), told);
        system.restore(root).await?;
        assert_eq!(system.changes().await?, []);
        system.close().await
    })
}

fn purged() -> Outcome {
    let server = MariaDb::own(BinaryLog::FullRows, &[]);
    let mut bench = Bench::new(&server.url(""), "purged");
    bench.block_on(async |bench| {
        let mut app = bench.app().await;
        let system = bench.connect().await?;
        let root = begin(&system).await?;
        app.run("UPDATE orders SET paid = 1 WHERE id = 1");
        kill_ours(bench).await;
        bench
            .root()
            .await
            .query_drop("FLUSH BINARY LOGS; PURGE BINARY LOGS BEFORE NOW() + INTERVAL 1 DAY")
            .await
            .expect("it goes");
        app.run("INSERT INTO notes VALUES('after')");
        let told = ["notes added: line after", "orders#1: paid 0 -> 1"];
        assert_eq!(lines(&system.changes().await?), told);
        bench
            .root()
            .await
            .query_drop("RESET MASTER")
            .await
            .expect("a new log");
        app.run("INSERT INTO notes VALUES('anew')");
        let told = [
            "notes added: line after",
            "notes added: line anew",
            "orders#1: paid 0 -> 1",
        ];
        assert_eq!(lines(&system.changes().await?), told);
        system.restore(root).await?;
        assert_eq!(app.run("SELECT * FROM notes"), 0);
        system.close().await
    })
}

fn without_log() -> Outcome {
    let server = MariaDb::own(BinaryLog::Off, &[]);
    let mut bench = Bench::new(&server.url(""), "unlogged");
    bench.block_on(async |bench| {
        let mut app = bench.app().await;
        let before = bench.looker().await.dump().await;
        let asked = bench.options().mode(MySqlMode::Binlog).connect().await?;
        let refused = begin(&asked)
            .await
            .expect_err("there is no log")
            .to_string();
        assert!(
            refused.contains("--log-bin --binlog-format=ROW --binlog-row-image=FULL"),
            "{refused}"
        );
        asked.close().await?;

        let system = bench.connect().await?;
        let root = begin(&system).await?;
        let about = system.about();
        assert_eq!(
            about.mechanism,
            "full copies, because the server writes no binary log (`--log-bin`)"
        );
        assert!(about.gaps[0].contains("costs what is stored"), "{about:?}");
        app.run("DELETE FROM orders WHERE id = 2");
        app.run("INSERT INTO orders(status) VALUES('new')");
        let told = [
            "items#2 removed",
            "items#3 removed",
            "orders#2 removed",
            "orders#3 added: status new, paid 0",
        ];
        assert_eq!(lines(&system.changes().await?), told);
        system.restore(root).await?;
        assert_eq!(bench.looker().await.dump().await, before);
        app.run("TRUNCATE items");
        system.close().await?;
        assert_eq!(bench.looker().await.dump().await, before);
        Ok(())
    })
}

fn filtered_log() -> Outcome {
    let server = MariaDb::own(BinaryLog::FullRows, &["binlog-ignore-db=elsewhere"]);
    let mut bench = Bench::new(&server.url(""), "filtered");
    bench.block_on(async |bench| {
        let mut app = bench.app().await;
        let system = bench.connect().await?;
        begin(&system).await?;
        assert_eq!(
            system.about().mechanism,
            "full copies, because the server leaves databases out of its binary log (`--binlog-ignore-db=elsewhere`)"
        );
        // What is left out is what a connection writes that uses the other database.
        app.attempt(1, "CREATE DATABASE elsewhere; USE elsewhere").expect("a database");
        app.attempt(1, "UPDATE filtered.orders SET paid = 1 WHERE id = 1").expect("an update");
        assert_eq!(lines(&system.changes().await?), ["orders#1: paid 0 -> 1"]);
        system.close().await
    })
}

fn too_large() -> Outcome {
    let server = MariaDb::own(
        BinaryLog::FullRows,
        &["max-allowed-packet=1M", "lower-case-table-names=1"],
    );
    let mut bench = Bench::new(&server.url(""), "LARGE");
    bench.block_on(async |bench| {
        let mut app = bench.app().await;
        app.run("CREATE TABLE large(id INT PRIMARY KEY, one LONGBLOB, other LONGBLOB)");
        let system = bench.connect().await?;
        let root = begin(&system).await?;
        app.run("INSERT INTO large VALUES(1, REPEAT('1', 900000), REPEAT('2', 900000))");
        assert_eq!(system.changes().await?.len(), 1);
        let refused = system.restore(root).await.expect_err("it does not fit");
        assert!(matches!(&refused, Error::Irreversible { remedy, .. } if remedy.contains("max_allowed_packet")), "{refused}");
        let refused = system.close().await.expect_err("it does not fit");
        assert!(matches!(refused, Error::Irreversible { .. }), "{refused}");
        bench.root().await.query_drop("SET GLOBAL max_allowed_packet = 16777216").await.expect("as it was told");
        MySqlAdapter::cleanup(&bench.url()).await?;
        assert_eq!(app.run("SELECT * FROM large"), 0);
        assert_eq!(bench.looker().await.ours().await, NOTHING);
        Ok(())
    })
}

fn forgetful() -> Outcome {
    // It writes what is committed to the disk once a second, if at all: what comes after that is lost in a crash.
    let settings = [
        "innodb-flush-log-at-trx-commit=0",
        "innodb-flush-log-at-timeout=2700",
    ];
    let mut server = MariaDb::own(BinaryLog::FullRows, &settings);
    let mut bench = Bench::new(&server.url(""), "forgetful");
    bench.block_on(async |bench| {
        let mut app = bench.app().await;
        let before = bench.looker().await.dump().await;
        let system = bench
            .options()
            .settle(Duration::from_secs(20))
            .connect()
            .await?;
        let root = begin(&system).await?;
        app.run("DELETE FROM orders");
        let sealed = system.seal().await?.checkpoint;
        let dump = bench.looker().await.dump().await;
        server.restart("KILL");
        // Whether the commit outlived it is not the subject.
        system.changes().await?;
        system.restore(sealed).await?;
        assert_eq!(bench.looker().await.dump().await, dump);
        system.restore(root).await?;
        assert_eq!(bench.looker().await.dump().await, before);
        drop(system);
        server.restart("KILL");
        MySqlAdapter::cleanup(&bench.url()).await?;
        assert_eq!(bench.looker().await.dump().await, before);
        Ok(())
    })
}
