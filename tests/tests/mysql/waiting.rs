//! Somebody else is in the way.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use libtest_mimic::Failed;
use venomqa_adapters::{Error, MySqlMode, System};

use crate::app::App;
use crate::bench::{Bench, NOTHING, Test, begin, lines};

type Outcome = std::result::Result<(), Failed>;

pub(crate) const TESTS: &[Test] = &[
    (
        "an_open_transaction_is_waited_for_and_named",
        open_transaction,
    ),
    (
        "an_open_transaction_keeps_a_run_from_beginning",
        open_at_the_beginning,
    ),
    (
        "a_prepared_transaction_is_an_open_one",
        prepared_transaction,
    ),
    (
        "a_table_that_is_being_read_keeps_its_counter_and_all_rows",
        open_read,
    ),
    ("a_locked_row_is_restored_once_it_is_free", locked_row),
    ("a_second_run_waits_and_says_for_whom", second_run),
];

/// Whether an error names the connection of the application that is in the way.
fn names_the_holder(error: &Error, database: &str) {
    let Error::Busy {
        system,
        why,
        remedy,
    } = error
    else {
        panic!("{error:?}");
    };
    assert!(system.contains(database), "{system}");
    assert!(
        why.contains("connection ") && why.contains("root@"),
        "{why}"
    );
    assert!(
        remedy.contains("end the transaction") && remedy.contains("settle"),
        "{remedy}"
    );
}

fn open_transaction(bench: &mut Bench) -> Outcome {
    bench.block_on(async |bench| {
        let mut app = bench.app().await;
        for mode in [MySqlMode::Binlog, MySqlMode::Copy] {
            let options = bench
                .options()
                .mode(mode)
                .settle(Duration::from_millis(300));
            let system = options.connect().await?;
            let root = begin(&system).await?;
            app.attempt(1, "BEGIN;").expect("a transaction");
            app.attempt(1, "UPDATE orders SET paid = 5 WHERE id = 1")
                .expect("an update");
            for refused in [
                system.changes().await.map(drop),
                system.seal().await.map(drop),
                system.restore(root).await.map(drop),
            ] {
                names_the_holder(&refused.expect_err("a transaction is open"), &bench.name);
            }
            // Others are not kept from working meanwhile.
            app.run("UPDATE orders SET paid = 7 WHERE id = 2");
            app.attempt(1, "COMMIT").expect("a commit");
            let told = ["orders#1: paid 0 -> 5", "orders#2: paid 100 -> 7"];
            assert_eq!(lines(&system.changes().await?), told);
            system.restore(root).await?;
            assert_eq!(app.run("SELECT * FROM orders WHERE paid IN (5, 7)"), 0);

            // A commit that comes while the run waits for it.
            app.attempt(1, "BEGIN;").expect("a transaction");
            app.attempt(1, "UPDATE orders SET paid = 6 WHERE id = 1")
                .expect("an update");
            let late = tokio::join!(system.changes(), async { app.send(1, "COMMIT") }).0?;
            app.outcome().expect("a commit");
            assert_eq!(lines(&late), ["orders#1: paid 0 -> 6"]);
            system.close().await?;
        }
        Ok(())
    })
}

fn open_at_the_beginning(bench: &mut Bench) -> Outcome {
    bench.block_on(async |bench| {
        let mut app = bench.app().await;
        app.attempt(1, "BEGIN;").expect("a transaction");
        app.attempt(1, "UPDATE orders SET paid = 5 WHERE id = 1")
            .expect("an update");
        let system = bench.impatient().await?;
        names_the_holder(
            &begin(&system).await.expect_err("a transaction is open"),
            &bench.name,
        );
        app.attempt(1, "COMMIT").expect("a commit");
        begin(&system).await?;
        system.close().await?;
        assert_eq!(app.run("SELECT * FROM orders WHERE paid = 5"), 1);
        assert_eq!(bench.looker().await.ours().await, NOTHING);
        Ok(())
    })
}

fn prepared_transaction(bench: &mut Bench) -> Outcome {
    bench.block_on(async |bench| {
        let mut app = bench.app().await;
        let system = bench.impatient().await?;
        let root = begin(&system).await?;
        let prepare = |name: &str| {
            format!("XA START '{name}'; UPDATE orders SET paid = 5 WHERE id = 1; XA END '{name}'; XA PREPARE '{name}'")
        };
        app.attempt(1, &prepare("x")).expect("a transaction");
        let refused = system.changes().await.expect_err("a transaction is prepared");
        assert!(matches!(refused, Error::Busy { .. }), "{refused}");
        app.attempt(1, "XA COMMIT 'x'").expect("a commit");
        assert_eq!(lines(&system.changes().await?), ["orders#1: paid 0 -> 5"]);
        system.restore(root).await?;
        app.attempt(1, &format!("{}; XA ROLLBACK 'x'", prepare("x"))).expect("nothing");
        assert_eq!(system.changes().await?, []);

        // It outlives its connection, and any other may end it.
        for (end, told) in [("ROLLBACK", &[][..]), ("COMMIT", &["orders#1: paid 0 -> 5"])] {
            app.attempt(1, &prepare("y")).expect("a transaction");
            drop(app);
            let refused = system.changes().await.expect_err("a transaction is prepared");
            assert!(
                matches!(&refused, Error::Busy { remedy, .. } if remedy.contains("XA COMMIT") || remedy.contains("end the transaction")),
                "{refused}"
            );
            bench.end_prepared(&format!("XA {end} 'y'")).await;
            app = App::start(&bench.url());
            assert_eq!(lines(&system.changes().await?), told);
        }
        system.restore(root).await?;
        assert_eq!(app.run("SELECT * FROM orders WHERE paid = 0"), 1);
        system.close().await
    })
}

fn open_read(bench: &mut Bench) -> Outcome {
    bench.block_on(async |bench| {
        let mut app = bench.app().await;
        let mut looker = bench.looker().await;
        let system = bench.impatient().await?;
        let root = begin(&system).await?;
        app.run("INSERT INTO orders(status) VALUES('new')");
        app.run("INSERT INTO items(order_id, what) VALUES(3, 'salt')");
        system.seal().await?;
        let sealed = looker.dump().await;
        app.attempt(1, "BEGIN;").expect("a transaction");
        assert_eq!(app.attempt(1, "SELECT * FROM orders"), Ok(3));
        // A reader is no obstacle to looking, but its table's counter cannot be set.
        assert_eq!(system.changes().await?, []);
        names_the_holder(
            &system.restore(root).await.expect_err("a table is in use"),
            &bench.name,
        );
        assert_eq!(looker.dump().await, sealed, "nothing is half restored");
        assert_eq!(system.changes().await?, []);
        app.attempt(1, "COMMIT").expect("the end of it");
        system.restore(root).await?;
        assert_eq!(app.run("SELECT * FROM orders"), 2);
        // What needs no counter goes back past a reader.
        app.run("UPDATE orders SET paid = 5");
        app.attempt(1, "BEGIN;").expect("a transaction");
        assert_eq!(app.attempt(1, "SELECT * FROM orders WHERE paid = 5"), Ok(2));
        system.restore(root).await?;
        assert_eq!(app.run("SELECT * FROM orders WHERE paid = 5"), 0);
        app.attempt(1, "COMMIT").expect("the end of it");
        system.close().await
    })
}

fn locked_row(bench: &mut Bench) -> Outcome {
    bench.block_on(async |bench| {
        let mut app = bench.app().await;
        let system = bench.impatient().await?;
        let root = begin(&system).await?;
        app.run("UPDATE orders SET paid = 5");
        for lock in [
            "BEGIN; SELECT * FROM orders WHERE id = 1 FOR UPDATE",
            "LOCK TABLES orders WRITE;",
        ] {
            app.attempt(1, lock).expect("a lock");
            let refused = system.restore(root).await.expect_err("it is locked");
            assert!(matches!(refused, Error::Busy { .. }), "{refused}");
            // Who has locked a whole table the server does not say: then all are named who may have.
            if lock.starts_with("BEGIN") {
                bench.page_shows(&refused);
            }
            app.attempt(1, "COMMIT; UNLOCK TABLES")
                .expect("the end of it");
        }
        system.restore(root).await?;
        assert_eq!(app.run("SELECT * FROM orders WHERE paid = 5"), 0);
        system.close().await
    })
}

fn second_run(bench: &mut Bench) -> Outcome {
    bench.block_on(async |bench| {
        let _app = bench.app().await;
        let first = bench.connect().await?;
        begin(&first).await?;
        let heard = Arc::new(Mutex::new(Vec::new()));
        let hear = heard.clone();
        let hear = move |whom: &str| hear.lock().expect("no panic").push(whom.to_owned());
        let impatient = bench
            .options()
            .lock_wait(Duration::from_millis(50))
            .on_wait(hear);
        let refused = impatient.clone().connect().await.expect_err("it is in use");
        let process = format!("(process {})", std::process::id());
        assert!(
            matches!(refused, Error::Busy { .. }) && refused.to_string().contains(&process),
            "{refused}"
        );
        bench.page_shows(&refused);
        let told = heard.lock().expect("no panic").clone();
        assert_eq!(told.len(), 1, "{told:?}");
        assert!(
            told[0].contains("waiting for mysql-") && told[0].contains(&process),
            "{told:?}"
        );
        // Nor can what the first one installed be cleaned up under its feet.
        let refused = impatient.clone().cleanup().await.expect_err("it is in use");
        assert!(matches!(refused, Error::Busy { .. }), "{refused}");

        let patient = impatient.lock_wait(Duration::from_secs(60));
        let (second, closed) = tokio::join!(patient.connect(), first.close());
        closed?;
        let second = second?;
        begin(&second).await?;
        second.close().await?;
        assert_eq!(bench.looker().await.ours().await, NOTHING);
        Ok(())
    })
}
