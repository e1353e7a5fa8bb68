//! An application in this process that uses the adapter's connection.

use std::time::Duration;

use sqlx::{Connection, raw_sql};
use venomqa_adapters::{Error, PostgresAdapter, PostgresMode, PostgresOptions, Result, System};

use crate::app::App;
use crate::bench::{Bench, NOTHING};
use crate::trial::{ORDERS, Test, begin, lines, page_shows};

pub(crate) const TESTS: &[(&str, &str, Test)] = &[
    ("savepoints_go_back_in_stack_order", ORDERS, |bench| {
        Box::pin(stack_order(bench))
    }),
    (
        "a_statement_that_fails_undoes_only_its_own_request",
        ORDERS,
        |bench| Box::pin(failing(bench)),
    ),
    (
        "a_commit_on_the_lent_connection_is_an_error_and_is_undone",
        ORDERS,
        |bench| Box::pin(committed(bench)),
    ),
    (
        "an_application_that_does_not_share_the_connection_is_told",
        ORDERS,
        |bench| Box::pin(not_shared(bench)),
    ),
    (
        "who_writes_beside_the_shared_connection_is_waited_for_only_while_it_lasts",
        ORDERS,
        |bench| Box::pin(foreign_write(bench)),
    ),
    ("a_lent_connection_is_to_be_given_back", ORDERS, |bench| {
        Box::pin(kept(bench))
    }),
    (
        "a_shared_connection_that_breaks_ends_the_run",
        ORDERS,
        |bench| Box::pin(broken(bench)),
    ),
    (
        "a_run_by_savepoints_that_ended_early_is_ended_by_the_next",
        ORDERS,
        |bench| Box::pin(ended_early(bench)),
    ),
    ("savepoints_take_fewer_rights", ORDERS, |bench| {
        Box::pin(fewer_rights(bench))
    }),
];

pub(crate) fn options(bench: &Bench) -> Result<PostgresOptions> {
    Ok(PostgresOptions::from_url(&bench.url)?.mode(PostgresMode::Savepoint))
}

async fn request(db: &PostgresAdapter, sql: &'static str) -> sqlx::Result<u64> {
    let mut connection = db.connection().await.expect("it is lent");
    Ok(sqlx::query(sql)
        .execute(&mut *connection)
        .await?
        .rows_affected())
}

async fn count(db: &PostgresAdapter, sql: &str) -> Result<usize> {
    Ok(db.query(sql, ()).await?.len())
}

async fn stack_order(bench: &Bench) -> Result<()> {
    let db = options(bench)?.connect().await?;
    let root = begin(&db).await?;
    let about = db.about();
    assert!(about.mechanism.contains("savepoints"), "{about:?}");
    request(&db, "UPDATE orders SET paid = 1 WHERE id = 1")
        .await
        .expect("an update");
    assert_eq!(lines(&db.changes().await?), ["orders#1: paid 0 -> 1"]);
    let one = db.seal().await?.checkpoint;
    db.execute("INSERT INTO orders (status) VALUES ($1)", ["second"])
        .await?;
    let two = db.seal().await?;
    assert_eq!(
        lines(&two.untold),
        ["orders#3 added: status second, paid 0"]
    );
    db.restore(one).await?;
    assert_eq!(count(&db, "SELECT * FROM orders").await?, 2);
    assert!(db.can_restore(root) && db.can_restore(one) && !db.can_restore(two.checkpoint));
    let gone = db.restore(two.checkpoint).await;
    assert!(matches!(gone, Err(Error::OutOfReach { .. })), "{gone:?}");
    request(&db, "INSERT INTO orders (status) VALUES ('again')")
        .await
        .expect("an insert");
    assert_eq!(
        count(&db, "SELECT * FROM orders WHERE id = 3").await?,
        1,
        "the sequence went back too"
    );
    db.release(one);
    assert!(!db.can_restore(one));
    db.restore(root).await?;
    assert_eq!(count(&db, "SELECT * FROM orders WHERE paid = 0").await?, 1);
    db.close().await?;
    let closed = db
        .connection()
        .await
        .expect_err("it was closed")
        .to_string();
    assert!(closed.contains("the run was closed"), "{closed}");
    Ok(())
}

async fn failing(bench: &Bench) -> Result<()> {
    let db = options(bench)?.connect().await?;
    // Before the run the application sets itself up, for good.
    request(&db, "CREATE TABLE ready (x int)")
        .await
        .expect("a table");
    let root = begin(&db).await?;
    request(&db, "INSERT INTO notes VALUES ('kept')")
        .await
        .expect("an insert");
    {
        let mut connection = db.connection().await?;
        sqlx::query("INSERT INTO notes VALUES ('lost')")
            .execute(&mut *connection)
            .await
            .expect("an insert");
        sqlx::query("INSERT INTO orders (id) VALUES (1)")
            .execute(&mut *connection)
            .await
            .expect_err("a duplicate");
    }
    {
        let mut connection = db.connection().await?;
        let mut transaction = connection.begin().await.expect("a savepoint");
        sqlx::query("INSERT INTO orders (id) VALUES (1)")
            .execute(&mut *transaction)
            .await
            .expect_err("a duplicate");
        drop(transaction);
        sqlx::query("INSERT INTO notes VALUES ('after')")
            .execute(&mut *connection)
            .await
            .expect("the request goes on");
        let unfinished = connection.begin().await.expect("a savepoint");
        drop(unfinished);
    }
    db.execute("INSERT INTO orders (id) VALUES ($1)", [1])
        .await
        .expect_err("a duplicate");
    assert_eq!(
        lines(&db.changes().await?),
        ["notes added: line after", "notes added: line kept"]
    );
    db.restore(root).await?;
    db.close().await?;
    assert_eq!(
        bench.looker().await.contents().await["ready"].len(),
        0,
        "it was made before the run"
    );
    Ok(())
}

async fn committed(bench: &Bench) -> Result<()> {
    let mut looker = bench.looker().await;
    let before = looker.full_dump().await;
    for end in ["COMMIT", "ROLLBACK", "COMMIT; BEGIN"] {
        let db = options(bench)?.connect().await?;
        let root = begin(&db).await?;
        request(&db, "INSERT INTO orders (status) VALUES ('made')")
            .await
            .expect("an insert");
        db.seal().await?;
        raw_sql(end)
            .execute(&mut *db.connection().await?)
            .await
            .expect("nothing keeps it from that");
        for refused in [
            db.changes().await.map(drop),
            db.restore(root).await.map(drop),
            db.connection().await.map(drop),
        ] {
            let Err(Error::Irreversible {
                statement, remedy, ..
            }) = &refused
            else {
                panic!("{end}: {refused:?}");
            };
            assert!(
                statement.contains("COMMIT")
                    && remedy.contains("closing the run puts everything back"),
                "{statement}; {remedy}"
            );
        }
        page_shows(
            bench,
            &db.changes().await.expect_err("there is no transaction"),
        );
        db.close().await?;
        assert_eq!(looker.full_dump().await, before, "{end}");
    }
    Ok(())
}

async fn not_shared(bench: &Bench) -> Result<()> {
    let before = bench.looker().await.full_dump().await;
    let mut app = App::start(&bench.url);
    let db = options(bench)?.connect().await?;
    let root = begin(&db).await?;
    app.run("INSERT INTO notes VALUES ('elsewhere')");
    for refused in [
        db.changes().await.map(drop),
        db.seal().await.map(drop),
        db.restore(root).await.map(drop),
    ] {
        let Err(Error::Refused { why, remedy, .. }) = &refused else {
            panic!("{refused:?}");
        };
        assert!(why.contains("does not share the adapter's connection: another one committed `notes added: line elsewhere`"), "{why}");
        assert!(remedy.contains("connection()"), "{remedy}");
    }
    page_shows(
        bench,
        &db.changes().await.expect_err("another connection wrote"),
    );
    db.close().await?;
    assert_eq!(bench.looker().await.full_dump().await, before);

    let other = PostgresAdapter::connect(&bench.url).await?;
    let refused = other
        .connection()
        .await
        .expect_err("only one mode shares")
        .to_string();
    assert!(refused.contains("PostgresMode::Savepoint"), "{refused}");
    other.close().await
}

async fn foreign_write(bench: &Bench) -> Result<()> {
    let mut app = App::start(&bench.url);
    let db = options(bench)?
        .settle(Duration::from_millis(200))
        .connect()
        .await?;
    let root = begin(&db).await?;
    app.attempt(1, "BEGIN").expect("it begins");
    app.attempt(1, "INSERT INTO notes VALUES ('elsewhere')")
        .expect("it writes");
    let Err(Error::Busy { why, .. }) = db.changes().await else {
        panic!("a transaction is open");
    };
    assert!(why.contains("INSERT INTO notes"), "{why}");
    app.attempt(1, "ROLLBACK").expect("it ends");
    assert_eq!(lines(&db.changes().await?), NOTHING);
    db.restore(root).await?;
    db.close().await
}

async fn kept(bench: &Bench) -> Result<()> {
    let db = options(bench)?
        .settle(Duration::from_millis(200))
        .connect()
        .await?;
    begin(&db).await?;
    let connection = db.connection().await?;
    for refused in [
        db.query("SELECT 1", ()).await.map(drop),
        db.connection().await.map(drop),
        db.changes().await.map(drop),
        db.close().await,
    ] {
        let Err(Error::Busy { why, remedy, .. }) = &refused else {
            panic!("{refused:?}");
        };
        assert!(
            why.contains("does not give the connection back")
                && remedy.contains("before the response is sent"),
            "{why}; {remedy}"
        );
    }
    drop(connection);
    PostgresAdapter::cleanup(&bench.url).await?;
    assert_eq!(bench.looker().await.ours().await, NOTHING);
    Ok(())
}

async fn broken(bench: &Bench) -> Result<()> {
    let before = bench.looker().await.full_dump().await;
    let db = options(bench)?.connect().await?;
    begin(&db).await?;
    request(&db, "INSERT INTO orders DEFAULT VALUES")
        .await
        .expect("an insert");
    bench
        .run("SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()")
        .await;
    for told in [db.changes().await.map(drop), db.seal().await.map(drop)] {
        let told = told
            .expect_err("the transaction went with the connection")
            .to_string();
        assert!(
            told.contains("it broke")
                && told.contains("what was done since the run began is undone"),
            "{told}"
        );
    }
    db.close().await?;
    assert_eq!(bench.looker().await.full_dump().await, before);
    Ok(())
}

async fn ended_early(bench: &Bench) -> Result<()> {
    let before = bench.looker().await.full_dump().await;
    let db = options(bench)?.connect().await?;
    begin(&db).await?;
    request(&db, "INSERT INTO orders DEFAULT VALUES")
        .await
        .expect("an insert");
    db.seal().await?;
    drop(db);
    options(bench)?.connect().await?.close().await?;
    let mut looker = bench.looker().await;
    assert_eq!(looker.full_dump().await, before);
    assert_eq!(looker.ours().await, NOTHING);
    Ok(())
}

async fn fewer_rights(bench: &Bench) -> Result<()> {
    let user = format!("sharing_{}", bench.name);
    bench
        .run(&format!(
            "CREATE ROLE {user} LOGIN; GRANT CREATE ON DATABASE {} TO {user}; GRANT ALL ON ALL TABLES IN SCHEMA public TO {user};
             GRANT ALL ON ALL SEQUENCES IN SCHEMA public TO {user}",
            bench.name
        ))
        .await;
    let before = bench.looker().await.full_dump().await;
    let options = |bench: &Bench| options(bench).map(|options| options.user(&user));
    let db = options(bench)?.connect().await?;
    let root = begin(&db).await?;
    request(&db, "INSERT INTO orders DEFAULT VALUES")
        .await
        .expect("an insert");
    assert_eq!(
        lines(&db.changes().await?),
        ["orders#3 added: status NULL, paid 0"]
    );
    db.restore(root).await?;
    db.close().await?;
    assert_eq!(bench.looker().await.full_dump().await, before);

    // What is committed takes one right more to put back, and is told until it is given.
    let db = options(bench)?.connect().await?;
    begin(&db).await?;
    request(&db, "COMMIT")
        .await
        .expect("nothing keeps it from that");
    bench
        .run("DELETE FROM notes; INSERT INTO orders DEFAULT VALUES")
        .await;
    let grant = format!("GRANT SET ON PARAMETER session_replication_role TO \"{user}\"");
    for told in [db.close().await, options(bench)?.cleanup().await] {
        let Err(Error::NotRestored { why, remedy, .. }) = &told else {
            panic!("{told:?}");
        };
        assert!(
            why.contains("may not put back what was committed") && remedy.contains(&grant),
            "{why}; {remedy}"
        );
    }
    bench.run(&grant).await;
    options(bench)?.cleanup().await?;
    assert_eq!(bench.looker().await.full_dump().await, before);
    Ok(())
}
