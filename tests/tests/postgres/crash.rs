//! Connections that break, servers that crash, and runs that do not end themselves.

use std::sync::mpsc::{Sender, channel};

use libtest_mimic::{Failed, Trial};
use sqlx::AssertSqlSafe;
use venomqa_adapters::conformance::{Conformance, Contents, Dice, Workload};
use venomqa_adapters::{BoxFuture, Error, PostgresAdapter, Result, System};
use venomqa_tests::servers::Postgres;

use crate::app::App;
use crate::bench::{Bench, NOTHING, in_database, runtime};
use crate::hostile::{Hostile, SCHEMA};
use crate::trial::{ORDERS, Test, begin, lines, page_shows};

pub(crate) const TESTS: &[(&str, &str, Test)] = &[
    (
        "a_run_that_ended_early_is_ended_by_the_next",
        ORDERS,
        |bench| Box::pin(ended_by_the_next(bench)),
    ),
    (
        "a_connection_of_ours_that_is_killed_is_replaced",
        ORDERS,
        |bench| Box::pin(connection_killed(bench)),
    ),
    (
        "connections_killed_at_any_moment_cost_nothing",
        SCHEMA,
        |bench| Box::pin(killed_at_any_moment(bench)),
    ),
    ("a_run_that_another_has_ended_says_so", ORDERS, |bench| {
        Box::pin(ended_by_another(bench))
    }),
    ("a_journal_that_is_gone_is_told", ORDERS, |bench| {
        Box::pin(journal_gone(bench))
    }),
    ("a_run_of_another_version_is_left_alone", ORDERS, |bench| {
        Box::pin(other_version(bench))
    }),
];

pub(crate) fn trials() -> Vec<Trial> {
    let stopped = |signal| {
        let name = format!("a_server_that_is_stopped_by_{signal}_loses_nothing");
        Trial::test(name, move || server_stopped(signal))
    };
    let mut trials: Vec<_> = ["INT", "KILL"].map(stopped).into();
    trials.push(Trial::test(
        "a_server_that_forgets_a_restore_ends_the_run_and_goes_back",
        restore_forgotten,
    ));
    trials.push(Trial::test(
        "a_server_that_forgets_a_mark_ends_the_run_and_goes_back",
        mark_forgotten,
    ));
    trials.push(Trial::test(
        "nothing_that_follows_a_crash_is_missed",
        numbers_given_away_again,
    ));
    trials.push(Trial::test(
        "a_server_without_room_for_the_locks_is_told",
        out_of_memory,
    ));
    trials
}

/// What of ours runs in this database.
const OURS: &str = "FROM pg_stat_activity WHERE datname = current_database() AND application_name LIKE 'venomqa%' AND pid <> pg_backend_pid()";

async fn kill_ours(bench: &Bench) {
    bench
        .run(&format!("SELECT pg_terminate_backend(pid, 5000) {OURS}"))
        .await;
}

async fn ended_by_the_next(bench: &Bench) -> Result<()> {
    let mut app = App::start(&bench.url);
    let mut looker = bench.looker().await;
    let before = looker.full_dump().await;
    for clean_up in [false, true] {
        let db = PostgresAdapter::connect(&bench.url).await?;
        let root = begin(&db).await?;
        app.run("DELETE FROM orders WHERE id = 2");
        let sealed = db.seal().await?.checkpoint;
        app.run("INSERT INTO orders (status) VALUES ('later')");
        db.seal().await?;
        db.restore(sealed).await?;
        app.run("TRUNCATE notes, orders RESTART IDENTITY");
        db.restore(root).await?;
        app.run("INSERT INTO orders (status) VALUES ('last')");
        // As a panic does. What anybody wrote since is undone with the rest.
        drop(db);
        app.run("UPDATE orders SET paid = 9");
        assert_ne!(looker.dump().await, "");
        if clean_up {
            PostgresAdapter::cleanup(&bench.url).await?;
            PostgresAdapter::cleanup(&bench.url).await?;
        } else {
            PostgresAdapter::connect(&bench.url).await?.close().await?;
        }
        assert_eq!(looker.full_dump().await, before);
        assert_eq!(looker.ours().await, NOTHING);
    }
    Ok(())
}

async fn connection_killed(bench: &Bench) -> Result<()> {
    let mut app = App::start(&bench.url);
    let db = PostgresAdapter::connect(&bench.url).await?;
    kill_ours(bench).await;
    let root = begin(&db).await?;
    app.run("UPDATE orders SET paid = 1");
    kill_ours(bench).await;
    assert_eq!(db.changes().await?.len(), 2);
    kill_ours(bench).await;
    let sealed = db.seal().await?.checkpoint;
    app.run("DELETE FROM orders");
    kill_ours(bench).await;
    assert_eq!(db.restore(root).await?.len(), 2);
    assert_eq!(app.run("SELECT * FROM orders WHERE paid = 0"), 1);
    kill_ours(bench).await;
    db.restore(sealed).await?;
    assert_eq!(app.run("SELECT * FROM orders WHERE paid = 1"), 2);
    kill_ours(bench).await;
    db.close().await?;
    assert_eq!(bench.looker().await.ours().await, NOTHING);
    Ok(())
}

/// A workload with every third change of which a connection is to be killed, a moment later. None before the run has begun: what begins tells
/// every row once, and so cannot begin again.
struct Struck {
    hostile: Hostile,
    strike: Sender<()>,
    struck: usize,
}

impl Workload for Struck {
    fn change<'a>(&'a mut self, dice: &'a mut Dice) -> BoxFuture<'a, ()> {
        if dice.percent(33) {
            self.struck += 1;
            self.strike.send(()).expect("it listens");
        }
        self.hostile.change(dice)
    }

    fn contents(&mut self) -> BoxFuture<'_, Contents> {
        self.hostile.contents()
    }

    fn dump(&mut self) -> BoxFuture<'_, String> {
        self.hostile.dump()
    }
}

async fn killed_at_any_moment(bench: &Bench) -> Result<()> {
    let before = bench.looker().await.full_dump().await;
    let (strike, strikes) = channel();
    // Beside the walk, on a thread of its own. When it strikes is left to chance, which is the random input here.
    let kill = async || {
        let mut killer = bench.looker().await;
        let mut kills = 0;
        for () in strikes {
            let kill = format!(
                "SELECT pg_terminate_backend(pid) FROM pg_sleep(random() * 0.03), (SELECT pid {OURS}) ours"
            );
            let killed = sqlx::query_scalar(AssertSqlSafe(kill)).fetch_all(&mut killer.db);
            let killed: Vec<bool> = killed.await.expect("a superuser may");
            kills += killed.iter().filter(|killed| **killed).count();
        }
        kills
    };
    let walk = async || {
        let mut workload = Struck {
            hostile: Hostile::start(&bench.url).await,
            strike,
            struck: 0,
        };
        let system = PostgresAdapter::connect(&bench.url).await;
        let kit = Conformance {
            steps: 150,
            seed: 7,
            ..Conformance::default()
        };
        let system = system.expect("a connection");
        let walk = kit.check(&system, &mut workload).await;
        (walk, workload.struck)
    };
    let (walk, kills) = std::thread::scope(|scope| {
        let kills = scope.spawn(|| runtime().block_on(kill()));
        let walk = scope.spawn(|| runtime().block_on(walk())).join();
        (walk, kills.join().expect("no panic"))
    });
    let (walk, struck) = walk.expect("the kit is content");
    // Those that find nobody come while a connection is made anew.
    assert!(
        walk.jumps > 100 && struck > 30 && kills * 2 > struck,
        "{walk:?}, {kills} of {struck}"
    );
    let mut looker = bench.looker().await;
    assert_eq!(looker.full_dump().await, before);
    assert_eq!(looker.ours().await, NOTHING);
    Ok(())
}

async fn ended_by_another(bench: &Bench) -> Result<()> {
    let mut app = App::start(&bench.url);
    let db = PostgresAdapter::connect(&bench.url).await?;
    begin(&db).await?;
    app.run("DELETE FROM orders");
    kill_ours(bench).await;
    PostgresAdapter::cleanup(&bench.url).await?;
    assert_eq!(app.run("SELECT * FROM orders"), 2);
    for told in [db.changes().await.map(drop), db.close().await] {
        let Err(Error::NotRestored { why, .. }) = &told else {
            panic!("{told:?}");
        };
        assert!(why.contains("the record of this run is gone"), "{why}");
    }
    Ok(())
}

async fn journal_gone(bench: &Bench) -> Result<()> {
    let mut app = App::start(&bench.url);
    let db = PostgresAdapter::connect(&bench.url).await?;
    begin(&db).await?;
    app.run("DELETE FROM orders");
    app.run("DROP SCHEMA _venomqa CASCADE");
    for told in [db.changes().await.map(drop), db.close().await] {
        let Err(Error::NotRestored { why, remedy, .. }) = &told else {
            panic!("{told:?}");
        };
        assert!(
            why.contains("somebody dropped the schema `_venomqa`"),
            "{why}"
        );
        assert!(remedy.contains("holds what it should"), "{remedy}");
        page_shows(bench, told.as_ref().expect_err("it is one"));
    }
    Ok(())
}

async fn other_version(bench: &Bench) -> Result<()> {
    let db = PostgresAdapter::connect(&bench.url).await?;
    begin(&db).await?;
    bench
        .run("DELETE FROM orders; UPDATE _venomqa.run SET layout = 999")
        .await;
    drop(db);
    let told = PostgresAdapter::cleanup(&bench.url).await;
    let Err(Error::NotRestored { why, remedy, .. }) = &told else {
        panic!("{told:?}");
    };
    assert!(
        why.contains("another version") && remedy.contains("DROP SCHEMA _venomqa CASCADE"),
        "{why}; {remedy}"
    );
    assert_eq!(
        bench.looker().await.contents().await["orders"].len(),
        0,
        "nothing was touched"
    );
    bench.run("DROP SCHEMA _venomqa CASCADE").await;
    PostgresAdapter::cleanup(&bench.url).await
}

/// Runs a test with a server that it may stop, after which everything is to be as it was.
fn on_a_server(
    settings: &[&str],
    test: impl AsyncFnOnce(&mut Postgres, &Bench, &mut App) -> Result<()>,
) -> std::result::Result<(), Failed> {
    let mut server = Postgres::own(settings);
    runtime().block_on(async {
        let bench = Bench::new(&server, ORDERS).await;
        let before = bench.looker().await.full_dump().await;
        let mut app = App::start(&bench.url);
        test(&mut server, &bench, &mut app).await?;
        assert_eq!(bench.looker().await.full_dump().await, before);
        assert_eq!(bench.looker().await.ours().await, NOTHING);
        Ok(())
    })
}

fn server_stopped(signal: &str) -> std::result::Result<(), Failed> {
    on_a_server(&[], async |server, bench, app| {
        let db = PostgresAdapter::connect(&bench.url).await?;
        let root = begin(&db).await?;
        app.run("UPDATE orders SET paid = 1 WHERE id = 1");
        let sealed = db.seal().await?.checkpoint;
        app.run("INSERT INTO orders (status) VALUES ('committed')");

        server.restart(signal);
        assert_eq!(
            lines(&db.changes().await?),
            ["orders#3 added: status committed, paid 0"]
        );
        app.run("UPDATE orders SET paid = 2 WHERE id = 1");
        db.restore(root).await?;
        assert_eq!(app.run("SELECT * FROM orders WHERE paid = 0 OR id = 2"), 2);
        db.restore(sealed).await?;
        assert_eq!(app.run("SELECT * FROM orders WHERE paid = 1"), 1);

        app.run("DELETE FROM orders");
        drop(db);
        server.restart(signal);
        PostgresAdapter::cleanup(&bench.url).await
    })
}

/// What nobody waits for stays in memory for longer than a test takes.
const FORGETFUL: &[&str] = &["wal_writer_delay=10000"];

fn restore_forgotten() -> std::result::Result<(), Failed> {
    on_a_server(FORGETFUL, async |server, bench, app| {
        let db = PostgresAdapter::connect(&bench.url).await?;
        let root = begin(&db).await?;
        app.run("INSERT INTO orders (status) VALUES ('first')");
        let first = db.seal().await?.checkpoint;
        app.run("INSERT INTO orders (status) VALUES ('second')");
        db.seal().await?;
        db.restore(root).await?;

        server.restart("KILL");
        for told in [
            db.restore(first).await.map(drop),
            db.changes().await.map(drop),
        ] {
            let told = told.expect_err("it cannot know where it is");
            page_shows(bench, &told);
        }
        db.close().await
    })
}

fn mark_forgotten() -> std::result::Result<(), Failed> {
    on_a_server(FORGETFUL, async |server, bench, app| {
        let db = PostgresAdapter::connect(&bench.url).await?;
        begin(&db).await?;
        // A sequence writes down every 32 numbers how far it is.
        for _ in 0..40 {
            db.changes().await?;
        }
        server.restart("KILL");
        app.run("INSERT INTO orders (status) VALUES ('under a mark that was looked at')");
        let told = db.changes().await.expect_err("it would not see that");
        page_shows(bench, &told);
        db.close().await
    })
}

fn numbers_given_away_again() -> std::result::Result<(), Failed> {
    on_a_server(FORGETFUL, async |server, bench, app| {
        let db = PostgresAdapter::connect(&bench.url).await?;
        begin(&db).await?;
        db.changes().await?;
        bench
            .run("SET synchronous_commit = off; SELECT pg_current_xact_id()")
            .await;
        db.changes().await?;
        server.restart("KILL");
        // By the number that the crash has taken from another transaction.
        app.run("INSERT INTO orders (status) VALUES ('after')");
        let told = lines(&db.seal().await?.untold);
        assert!(
            matches!(&*told, [one] if one.ends_with("added: status after, paid 0")),
            "{told:?}"
        );
        db.close().await
    })
}

fn out_of_memory() -> std::result::Result<(), Failed> {
    let few = "max_locks_per_transaction=10";
    let server = Postgres::own(&[few, "max_connections=10", "max_prepared_transactions=0"]);
    let tables = "DO $$ BEGIN FOR i IN 1..1000 LOOP EXECUTE format('CREATE TABLE t%s (x int)', i); COMMIT; END LOOP; END $$";
    in_database(&server, tables, async |bench| {
        let db = PostgresAdapter::connect(&bench.url).await?;
        let told = begin(&db).await.expect_err("a thousand locks are too many");
        page_shows(bench, &told);
        db.close().await?;
        assert_eq!(bench.looker().await.ours().await, NOTHING);
        Ok(())
    })
}
