//! Servers that do not last, and logs that are not what they should be.

use std::time::Duration;

use libtest_mimic::{Failed, Trial};
use mysql_async::prelude::Queryable;
use venomqa_adapters::{Error, MySqlAdapter, MySqlMode, System};
use venomqa_tests::servers::{BinaryLog, MariaDb};

use crate::app::App;
use crate::bench::{Bench, NOTHING, begin, lines};
use crate::crash::{abandon, kill_ours};

type Outcome = std::result::Result<(), Failed>;

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
