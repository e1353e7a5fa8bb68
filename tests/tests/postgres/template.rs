//! Copies of the whole database.

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use libtest_mimic::{Failed, Trial};
use sqlx::{AssertSqlSafe, raw_sql};
use venomqa_adapters::conformance::{Conformance, Contents, Dice, Workload};
use venomqa_adapters::{
    BoxFuture, Error, PostgresAdapter, PostgresMode, PostgresOptions, Result, System,
};
use venomqa_tests::servers::Postgres;

use crate::app::{App, CONNECTIONS, NAME};
use crate::bench::{Bench, NOTHING, in_database};
use crate::hostile::{SCHEMA, is_expected, statement};
use crate::look::Looker;
use crate::trial::{ORDERS, Test, begin, lines, page_shows};

pub(crate) const TESTS: &[(&str, &str, Test)] = &[
    (
        "who_is_connected_to_a_database_that_is_to_be_copied_is_named",
        ORDERS,
        |bench| Box::pin(connected(bench)),
    ),
    ("copies_undo_changes_of_the_schema", ORDERS, |bench| {
        Box::pin(schema(bench))
    }),
    (
        "a_copy_has_the_settings_and_rights_of_the_database",
        ORDERS,
        |bench| Box::pin(settings(bench)),
    ),
    (
        "a_database_is_cloned_for_others_and_the_clone_goes_with_the_run",
        ORDERS,
        |bench| Box::pin(cloned(bench)),
    ),
    (
        "a_run_by_copies_that_ended_early_is_ended_by_the_next",
        ORDERS,
        |bench| Box::pin(ended_early(bench)),
    ),
    ("a_database_made_anew_is_not_overwritten", ORDERS, |bench| {
        Box::pin(made_anew(bench))
    }),
    ("runs_of_all_modes_wait_for_each_other", ORDERS, |bench| {
        Box::pin(waiting(bench))
    }),
    (
        "the_database_from_which_copies_are_made_is_refused",
        "",
        |bench| Box::pin(elsewhere(bench)),
    ),
    ("copies_take_rights_that_are_named", ORDERS, |bench| {
        Box::pin(rights(bench))
    }),
    (
        "a_connection_that_is_killed_between_copies_is_replaced",
        ORDERS,
        |bench| Box::pin(killed(bench)),
    ),
];

pub(crate) fn trials(server: &Arc<LazyLock<Postgres>>) -> Vec<Trial> {
    let server = server.clone();
    vec![Trial::test("conformance_Template", move || {
        conformance(&server)
    })]
}

fn options(bench: &Bench) -> Result<PostgresOptions> {
    Ok(PostgresOptions::from_url(&bench.url)?.mode(PostgresMode::Template))
}

/// Nobody stays connected but the application, which connects again when its connections are ended.
struct Reconnecting<'a> {
    app: App,
    bench: &'a Bench,
}

impl Workload for Reconnecting<'_> {
    fn change<'a>(&'a mut self, dice: &'a mut Dice) -> BoxFuture<'a, ()> {
        let sql = if dice.percent(10) {
            (*dice.pick(&[
                "CREATE TABLE IF NOT EXISTS late (x int)",
                "INSERT INTO late VALUES (1)",
                "DROP TABLE IF EXISTS late",
                "ALTER TABLE nopk ADD COLUMN IF NOT EXISTS extra int DEFAULT 3",
            ]))
            .into()
        } else {
            statement(dice)
        };
        if let Err(error) = self.app.attempt(dice.below(CONNECTIONS), &sql) {
            let known = [
                "does not exist",
                "cached plan must not change",
                "missing data for column",
            ];
            assert!(
                is_expected(&error) || known.iter().any(|known| error.contains(known)),
                "{sql}: {error}"
            );
        }
        Box::pin(std::future::ready(()))
    }

    fn contents(&mut self) -> BoxFuture<'_, Contents> {
        Box::pin(async { self.bench.looker().await.contents().await })
    }

    fn dump(&mut self) -> BoxFuture<'_, String> {
        Box::pin(async { self.bench.looker().await.dump().await })
    }
}

fn conformance(server: &Postgres) -> std::result::Result<(), Failed> {
    in_database(server, SCHEMA, async |bench| {
        let before = identity(bench).await;
        let mut workload = Reconnecting {
            app: App::start(&bench.url),
            bench,
        };
        let system = options(bench)?.terminate_connections().connect().await?;
        let kit = Conformance {
            steps: 25,
            seed: 5,
            checkpoints: 6,
        };
        let walk = kit.check(&system, &mut workload).await;
        assert!(walk.jumps >= 25 && walk.changes > 50, "{walk:?}");
        assert_eq!(identity(bench).await, before);
        Ok(())
    })
}

/// The full dump, what a database is from outside, and which databases there are beside it.
async fn identity(bench: &Bench) -> String {
    let mut looker = bench.looker().await;
    let dump = looker.full_dump().await;
    let outside = "SELECT concat_ws(' ', oid, datname, datacl, datconnlimit, setting) FROM pg_database
         LEFT JOIN LATERAL (SELECT string_agg(concat_ws(' ', setrole, setconfig), ', ' ORDER BY setrole) AS setting FROM pg_db_role_setting WHERE setdatabase = oid) s ON true
         WHERE datname = current_database() OR datname LIKE current_database() || '\\_%' ORDER BY datname";
    let outside: Vec<String> = sqlx::query_scalar(outside)
        .fetch_all(&mut looker.db)
        .await
        .expect("a catalog");
    format!("{}\n{dump}", outside.join("\n"))
}

async fn count(looker: &mut Looker, sql: &str) -> usize {
    raw_sql(AssertSqlSafe(sql))
        .fetch_all(&mut looker.db)
        .await
        .expect("rows")
        .len()
}

async fn connected(bench: &Bench) -> Result<()> {
    let before = identity(bench).await;
    let mut app = App::start(&bench.url);
    app.run("SELECT 1");
    let db = options(bench)?
        .settle(Duration::from_millis(200))
        .connect()
        .await?;
    let told = begin(&db).await.expect_err("a connection is in the way");
    let Error::Busy { why, remedy, .. } = &told else {
        panic!("{told:?}");
    };
    assert!(
        why.contains(NAME) && why.contains("nobody is connected") && why.contains("idle"),
        "{why}"
    );
    assert!(remedy.contains("terminate_connections"), "{remedy}");
    app.run("SELECT 1");
    drop(app);
    // The page shows it for one connection.
    let one = bench.looker().await;
    page_shows(bench, &begin(&db).await.expect_err("it is in the way"));
    drop(one);
    db.close().await?;
    let db = options(bench)?.connect().await?;
    let root = begin(&db).await?;
    bench.run("DELETE FROM orders").await;
    db.restore(root).await?;
    assert_eq!(db.query("SELECT * FROM orders", ()).await?.len(), 2);
    db.close().await?;
    assert_eq!(identity(bench).await, before);
    Ok(())
}

async fn schema(bench: &Bench) -> Result<()> {
    let before = identity(bench).await;
    let db = options(bench)?.connect().await?;
    let root = begin(&db).await?;
    let about = db.about();
    assert!(
        about
            .mechanism
            .contains("a copy of the database for each checkpoint")
            && about.gaps[0].contains("what is stored"),
        "{about:?}"
    );
    bench.run("ALTER TABLE orders ADD COLUMN late int; DROP TABLE notes; CREATE TABLE other (id serial PRIMARY KEY); INSERT INTO other DEFAULT VALUES; SELECT lo_create(0)").await;
    let told = db.changes().await?;
    assert_eq!(told.len(), 5, "{:?}", lines(&told));
    let sealed = db.seal().await?;
    assert_eq!(lines(&sealed.untold), NOTHING);
    db.execute("INSERT INTO other DEFAULT VALUES", ()).await?;
    assert_eq!(lines(&db.restore(root).await?), ["other#2 added"]);
    assert_eq!(db.query("SELECT status FROM orders", ()).await?.len(), 2);
    assert_eq!(db.query("SELECT * FROM notes", ()).await?.len(), 0);
    db.restore(sealed.checkpoint).await?;
    db.execute("INSERT INTO other DEFAULT VALUES", ()).await?;
    assert_eq!(lines(&db.changes().await?), ["other#2 added"]);
    db.release(sealed.checkpoint);
    let gone = db.restore(sealed.checkpoint).await;
    assert!(matches!(gone, Err(Error::OutOfReach { .. })), "{gone:?}");
    db.close().await?;
    assert_eq!(identity(bench).await, before);
    Ok(())
}

async fn settings(bench: &Bench) -> Result<()> {
    let name = &bench.name;
    bench
        .run(&format!(
            "CREATE ROLE \"r {name}\" LOGIN; ALTER DATABASE {name} SET search_path = 'a b', public; ALTER DATABASE {name} SET app.note = 'it''s'; ALTER DATABASE {name} SET work_mem = '5MB';
             ALTER ROLE \"r {name}\" IN DATABASE {name} SET lock_timeout = 77; REVOKE ALL ON DATABASE {name} FROM PUBLIC;
             GRANT CONNECT ON DATABASE {name} TO \"r {name}\" WITH GRANT OPTION; ALTER DATABASE {name} CONNECTION LIMIT 33"
        ))
        .await;
    let before = identity(bench).await;
    let db = options(bench)?.connect().await?;
    let root = begin(&db).await?;
    for restored in [false, true] {
        if restored {
            db.restore(root).await?;
        }
        let found = db.query("SELECT current_setting('search_path') AS path, current_setting('app.note') AS note, current_setting('work_mem') AS mem", ()).await?;
        let found: Vec<_> = found[0].values().iter().map(ToString::to_string).collect();
        assert_eq!(found, ["\"a b\", public", "it's", "5MB"]);
        let rights = "SELECT datconnlimit FROM pg_database WHERE datname = current_database() AND NOT has_database_privilege('public', oid, 'CONNECT')
             AND has_database_privilege($1, oid, 'CONNECT WITH GRANT OPTION') AND EXISTS (SELECT FROM pg_db_role_setting WHERE setdatabase = oid AND setconfig = '{lock_timeout=77}')";
        let found = db.query(rights, [format!("r {name}")]).await?;
        assert_eq!(found[0].get::<i64>("datconnlimit")?, 33);
    }
    db.close().await?;
    assert_eq!(identity(bench).await, before);
    Ok(())
}

async fn cloned(bench: &Bench) -> Result<()> {
    let before = identity(bench).await;
    let db = options(bench)?.connect().await?;
    let worker = format!("{}_worker", bench.name);
    let early = db
        .clone_database(&worker)
        .await
        .expect_err("nothing has begun")
        .to_string();
    assert!(early.contains("no run has begun"), "{early}");
    begin(&db).await?;
    bench.run("DELETE FROM orders").await;
    db.clone_database(&worker).await?;
    let mut looker = Looker::open(&bench.url.replace(&bench.name, &worker)).await;
    assert_eq!(
        count(&mut looker, "SELECT * FROM public.orders").await,
        2,
        "what the run found"
    );
    drop(looker);
    let twice = db
        .clone_database(&worker)
        .await
        .expect_err("it is there")
        .to_string();
    assert!(
        twice.contains(&worker) && twice.contains("already exists"),
        "{twice}"
    );
    db.close().await?;
    assert_eq!(identity(bench).await, before);

    let other = PostgresAdapter::connect(&bench.url).await?;
    begin(&other).await?;
    let refused = other
        .clone_database(&worker)
        .await
        .expect_err("the application is connected")
        .to_string();
    assert!(refused.contains("PostgresMode::Template"), "{refused}");
    other.close().await
}

async fn ended_early(bench: &Bench) -> Result<()> {
    let before = identity(bench).await;
    for mode in [PostgresMode::Template, PostgresMode::Journal] {
        let db = options(bench)?.connect().await?;
        begin(&db).await?;
        bench.run("DROP TABLE notes").await;
        let sealed = db.seal().await?.checkpoint;
        db.clone_database(&format!("{}_worker", bench.name)).await?;
        bench.run("DROP TABLE orders").await;
        db.restore(sealed).await?;
        drop(db);
        PostgresOptions::from_url(&bench.url)?
            .mode(mode)
            .connect()
            .await?
            .close()
            .await?;
        assert_eq!(identity(bench).await, before, "{mode:?}");
    }
    Ok(())
}

async fn made_anew(bench: &Bench) -> Result<()> {
    let db = options(bench)?.connect().await?;
    begin(&db).await?;
    drop(db);
    bench
        .as_admin(&format!("DROP DATABASE {} WITH (FORCE)", bench.name))
        .await;
    bench
        .as_admin(&format!("CREATE DATABASE {}", bench.name))
        .await;
    bench.run("CREATE TABLE fresh (x int)").await;
    let refused = PostgresAdapter::cleanup(&bench.url).await;
    let Err(Error::NotRestored { why, remedy, .. }) = &refused else {
        panic!("{refused:?}");
    };
    assert!(
        why.contains(&format!("{}_venomqa_root", bench.name))
            && remedy.contains("drop one of the two"),
        "{why}; {remedy}"
    );
    bench.run("INSERT INTO fresh VALUES (1)").await;
    bench
        .as_admin(&format!("DROP DATABASE {}_venomqa_root", bench.name))
        .await;
    PostgresAdapter::cleanup(&bench.url).await
}

async fn waiting(bench: &Bench) -> Result<()> {
    let impatient = |mode| {
        Ok::<_, Error>(
            options(bench)?
                .mode(mode)
                .lock_wait(Duration::from_millis(50)),
        )
    };
    for holds in [PostgresMode::Journal, PostgresMode::Template] {
        let first = options(bench)?.mode(holds).connect().await?;
        begin(&first).await?;
        for waits in [PostgresMode::Journal, PostgresMode::Template] {
            let refused = impatient(waits)?.connect().await;
            let Err(Error::Busy { why, .. }) = &refused else {
                panic!("{refused:?}");
            };
            assert!(
                why.contains(&format!("process {}", std::process::id()))
                    && why.contains("explores it"),
                "{why}"
            );
        }
        // Who waits is not in the way of who makes copies.
        let (second, sealed) = tokio::join!(
            options(bench)?.lock_wait(Duration::from_secs(30)).connect(),
            async {
                let sealed = first.seal().await;
                let closed = first.close().await;
                sealed.and(closed)
            }
        );
        sealed?;
        second?.close().await?;
    }
    Ok(())
}

async fn elsewhere(bench: &Bench) -> Result<()> {
    let refused = options(bench)?.database("postgres").connect().await;
    let Err(Error::Refused { why, remedy, .. }) = &refused else {
        panic!("{refused:?}");
    };
    assert!(why.contains("a connection to `postgres`"), "{why}");
    assert!(remedy.contains("another name"), "{remedy}");
    Ok(())
}

async fn rights(bench: &Bench) -> Result<()> {
    let user = format!("copies_{}", bench.name);
    bench
        .run(&format!(
            "CREATE ROLE {user} LOGIN; GRANT ALL ON ALL TABLES IN SCHEMA public TO {user}"
        ))
        .await;
    let db = options(bench)?.user(&user).connect().await?;
    let refused = begin(&db).await;
    let Err(Error::Refused { why, remedy, .. }) = &refused else {
        panic!("{refused:?}");
    };
    assert!(why.contains("lacks rights that copies take"), "{why}");
    let grants = format!(
        "ALTER ROLE \"{user}\" CREATEDB; ALTER DATABASE \"{}\" OWNER TO \"{user}\"",
        bench.name
    );
    assert!(remedy.ends_with(&grants), "{remedy}");
    bench.run(&grants).await;
    begin(&db).await?;
    db.close().await
}

async fn killed(bench: &Bench) -> Result<()> {
    let before = identity(bench).await;
    let db = options(bench)?.connect().await?;
    let root = begin(&db).await?;
    // The connection that holds the run's lock waits in another database.
    let kill = &format!(
        "SELECT pg_terminate_backend(pid, 5000) FROM pg_locks
         WHERE locktype = 'advisory' AND classid = {} AND objid::bigint = hashtext('{}')::bigint & 4294967295",
        i32::from_be_bytes(*b"vnmq"),
        bench.name
    );
    bench.as_admin(kill).await;
    bench.run("DELETE FROM orders").await;
    assert_eq!(db.seal().await?.untold.len(), 2);
    bench.as_admin(kill).await;
    db.restore(root).await?;
    bench.as_admin(kill).await;
    db.close().await?;
    assert_eq!(identity(bench).await, before);
    Ok(())
}
