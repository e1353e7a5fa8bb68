//! What the binary log says in another way, or does not say.

use libtest_mimic::Failed;
use mysql_async::prelude::Queryable;
use venomqa_adapters::{Error, MySqlMode, System};

use crate::app::dialect::Dialect;
use crate::bench::{Bench, NOTHING, Test, begin, lines};

type Outcome = std::result::Result<(), Failed>;

pub(crate) const TESTS: &[Test] = &[
    (
        "statements_in_the_log_are_followed_by_comparing",
        statement_format,
    ),
    ("a_write_kept_out_of_the_log_is_found_in_the_end", kept_out),
    (
        "a_restore_does_not_trip_over_a_write_kept_out_of_the_log",
        tripped,
    ),
    (
        "what_is_rolled_back_beside_a_table_without_transactions_is_not_told",
        half_rolled_back,
    ),
    ("nothing_of_a_run_is_in_the_log", unlogged),
];

fn statement_format(bench: &mut Bench) -> Outcome {
    bench.block_on(async |bench| {
        let mut app = bench.app().await;
        let system = bench.connect().await?;
        let root = begin(&system).await?;
        app.run("SET SESSION binlog_format = STATEMENT");
        app.run("UPDATE orders SET paid = paid + 1");
        let told = ["orders#1: paid 0 -> 1", "orders#2: paid 100 -> 101"];
        assert_eq!(lines(&system.changes().await?), told);
        system.restore(root).await?;
        assert_eq!(app.run("SELECT * FROM orders WHERE paid IN (1, 101)"), 0);
        app.attempt(1, "SET SESSION binlog_row_image = MINIMAL")
            .expect("a setting");
        app.attempt(1, "UPDATE orders SET paid = 7 WHERE id = 2")
            .expect("an update");
        assert_eq!(lines(&system.changes().await?), ["orders#2: paid 100 -> 7"]);
        system.restore(root).await?;
        assert_eq!(app.run("SELECT * FROM orders WHERE paid = 100"), 1);
        if bench.dialect == Dialect::MySql {
            app.attempt(2, "SET SESSION binlog_transaction_compression = ON")
                .expect("a setting");
            app.attempt(2, "UPDATE orders SET paid = 8 WHERE id = 2")
                .expect("an update");
            assert_eq!(lines(&system.changes().await?), ["orders#2: paid 100 -> 8"]);
            app.attempt(2, "UPDATE orders SET paid = 9 WHERE id = 2")
                .expect("an update");
            assert_eq!(lines(&system.changes().await?), ["orders#2: paid 100 -> 9"]);
            system.restore(root).await?;
            assert_eq!(system.changes().await?, []);
        }
        system.close().await
    })
}

fn kept_out(bench: &mut Bench) -> Outcome {
    bench.block_on(async |bench| {
        let mut app = bench.app().await;
        let before = bench.looker().await.dump().await;
        let system = bench.connect().await?;
        begin(&system).await?;
        app.run("SET sql_log_bin = 0");
        app.run("UPDATE orders SET paid = 9 WHERE id = 1");
        assert_eq!(system.changes().await?, []);
        let closed = system.close().await;
        let Err(Error::Irreversible {
            statement, remedy, ..
        }) = &closed
        else {
            panic!("{closed:?}");
        };
        assert!(statement.contains("orders#1: paid 0 -> 9"), "{statement}");
        assert!(remedy.contains("MySqlMode::Copy"), "{remedy}");
        assert_eq!(bench.looker().await.dump().await, before);
        assert_eq!(bench.looker().await.ours().await, NOTHING);

        let copying = bench.options().mode(MySqlMode::Copy).connect().await?;
        let root = begin(&copying).await?;
        app.run("UPDATE orders SET paid = 9 WHERE id = 1");
        assert_eq!(lines(&copying.changes().await?), ["orders#1: paid 0 -> 9"]);
        copying.restore(root).await?;
        copying.close().await
    })
}

fn tripped(bench: &mut Bench) -> Outcome {
    bench.block_on(async |bench| {
        let mut app = bench.app().await;
        let system = bench.connect().await?;
        let root = begin(&system).await?;
        app.run("INSERT INTO orders(id, status) VALUES(7, 'seen')");
        let sealed = system.seal().await?.checkpoint;
        app.attempt(1, "SET sql_log_bin = 0").expect("a setting");
        app.attempt(1, "DELETE FROM orders WHERE id = 7")
            .expect("a delete");
        system.restore(root).await?;
        assert_eq!(app.run("SELECT * FROM orders"), 2);
        system.restore(sealed).await?;
        assert_eq!(app.run("SELECT * FROM orders WHERE id = 7"), 1);
        system.close().await
    })
}

fn half_rolled_back(bench: &mut Bench) -> Outcome {
    bench.block_on(async |bench| {
        let mut app = bench.app().await;
        app.run("CREATE TABLE audit(line VARCHAR(9)) ENGINE = MyISAM");
        let refused = bench.connect().await?;
        let error = begin(&refused).await.expect_err("it has no transactions").to_string();
        assert!(error.contains("`audit` is kept by MyISAM") && error.contains("ignore_table"), "{error}");
        refused.close().await?;

        let system = bench.options().ignore_table("audit").connect().await?;
        let root = begin(&system).await?;
        let mixed = app.attempt(0, "BEGIN; UPDATE orders SET paid = 1; INSERT INTO audit VALUES('x'); ROLLBACK");
        if mixed.is_err_and(|error| error.contains("GTID consistency")) {
            return system.close().await;
        }
        app.run("BEGIN; INSERT INTO notes VALUES('kept'); SAVEPOINT s; UPDATE orders SET paid = 1; INSERT INTO audit VALUES('y'); ROLLBACK TO s; COMMIT");
        assert_eq!(lines(&system.changes().await?), ["notes added: line kept"]);
        system.restore(root).await?;
        assert_eq!(app.run("SELECT * FROM audit"), 2);
        system.close().await
    })
}

fn unlogged(bench: &mut Bench) -> Outcome {
    bench.block_on(async |bench| {
        let mut app = bench.app().await;
        let mut root_conn = bench.root().await;
        // Other tests write at the same time, so it is searched for what could be ours.
        let status: Option<mysql_async::Row> = root_conn
            .query_first(bench.dialect.sql("SHOW MASTER STATUS"))
            .await
            .expect("a log");
        let status = status.expect("a log");
        let file: String = status.get(0).expect("a file");
        let from: u64 = status.get(1).expect("a position");
        let system = bench.connect().await?;
        let root = begin(&system).await?;
        app.run("DELETE FROM orders WHERE id = 2");
        system.seal().await?;
        system.restore(root).await?;
        system.close().await?;
        let events: Vec<mysql_async::Row> = root_conn
            .query(format!(
                "SHOW BINLOG EVENTS IN '{file}' FROM {from} LIMIT 100000"
            ))
            .await
            .expect("events");
        let events = events
            .into_iter()
            .filter_map(|mut event| event.take::<String, _>(5));
        let ours: Vec<_> = events.filter(|event| event.contains(&bench.name)).collect();
        assert!(
            ours.iter().all(|event| !event.contains("_venomqa_")),
            "{ours:?}"
        );
        // The order and what it took along: one map of tables, and no other.
        let maps = ours
            .iter()
            .filter(|event| event.starts_with("table_id: ") && event.contains(".orders)"));
        assert_eq!(maps.count(), 1, "{ours:?}");
        Ok(())
    })
}
