//! Changes of the schema in an action, and what goes back in spite of them.

use std::sync::{Arc, LazyLock};

use libtest_mimic::Trial;
use venomqa_adapters::{Error, PostgresAdapter, Result, System, Value};
use venomqa_tests::servers::Postgres;

use crate::app::App;
use crate::bench::{Bench, NOTHING, in_database};
use crate::schema::url_of_plain_user;
use crate::trial::begin;

const SCHEMA: &str = "
    CREATE TYPE mood AS ENUM ('sad', 'happy');
    CREATE SCHEMA archive;
    GRANT USAGE ON SCHEMA archive TO PUBLIC;
    CREATE TABLE orders (id serial PRIMARY KEY, paid int NOT NULL, mood mood);
    CREATE TABLE notes (line text);
    CREATE TABLE logs (day int, line text) PARTITION BY LIST (day);
    CREATE TABLE monday PARTITION OF logs FOR VALUES IN (1);
    CREATE TABLE tuesday PARTITION OF logs FOR VALUES IN (2);
    INSERT INTO orders (paid, mood) VALUES (0, 'sad'), (100, 'happy');
    INSERT INTO notes VALUES ('kept');
    INSERT INTO logs VALUES (1, 'one'), (2, 'two')";

/// Statements, and the table whose rows no longer fit.
const STATEMENTS: &[(&str, Option<&str>)] = &[
    ("DROP TABLE orders", Some("orders")),
    ("DROP TABLE tuesday", Some("logs")),
    ("ALTER TABLE logs DETACH PARTITION monday", Some("logs")),
    ("ALTER TABLE orders RENAME TO purchases", None),
    ("ALTER TABLE orders SET SCHEMA archive", None),
    (
        "ALTER TABLE orders RENAME COLUMN paid TO sum",
        Some("orders"),
    ),
    ("DROP SEQUENCE orders_id_seq CASCADE", None),
    ("ALTER SEQUENCE orders_id_seq RENAME TO numbers", None),
    ("ALTER SEQUENCE orders_id_seq MINVALUE 3 START 3", None),
    (
        "ALTER TYPE mood RENAME VALUE 'sad' TO 'blue'",
        Some("orders"),
    ),
    ("ALTER TABLE orders ADD CHECK (paid > 0)", Some("orders")),
];

pub(crate) fn trials(server: &Arc<LazyLock<Postgres>>) -> Vec<Trial> {
    let trial = |&(statement, misfit): &(&'static str, Option<&'static str>)| {
        let server = server.clone();
        Trial::test(format!("the_rest_goes_back_after {statement}"), move || {
            for plain in [false, true] {
                in_database(&server, SCHEMA, async |bench| {
                    goes_back(bench, plain, statement, misfit).await
                })?;
            }
            Ok(())
        })
    };
    STATEMENTS.iter().map(trial).collect()
}

async fn goes_back(
    bench: &Bench,
    plain: bool,
    statement: &str,
    misfit: Option<&str>,
) -> Result<()> {
    let url = match plain {
        true => url_of_plain_user(bench).await,
        false => bench.url.clone(),
    };
    let mut app = App::start(&bench.url);
    let db = PostgresAdapter::connect(&url).await?;
    let root = begin(&db).await?;
    app.run("DELETE FROM notes");
    app.run("UPDATE logs SET line = 'changed' WHERE day = 1");
    app.run("DELETE FROM orders WHERE paid = 0");
    app.run("INSERT INTO orders (paid) VALUES (5)");
    app.run(statement);
    app.run("INSERT INTO notes VALUES ('late')");
    for told in [
        db.restore(root).await.map(drop),
        db.seal().await.map(drop),
        db.changes().await.map(drop),
    ] {
        assert!(matches!(told, Err(Error::Irreversible { .. })), "{told:?}");
    }
    // One user closes the run, the other one crashes.
    let told = match plain {
        true => {
            drop(db);
            PostgresAdapter::cleanup(&url).await
        }
        false => db.close().await,
    };
    let Err(Error::Irreversible { remedy, .. }) = &told else {
        panic!("{told:?}");
    };
    let expected = match misfit {
        Some(table) => format!("but those of `{table}` could not be"),
        None => "all rows were put back".into(),
    };
    assert!(remedy.contains(&expected), "{remedy}");
    let mut looker = bench.looker().await;
    assert_eq!(looker.ours().await, NOTHING);
    PostgresAdapter::cleanup(&url).await?;
    let contents = looker.contents().await;
    assert_eq!(contents["notes"], [[Value::from("kept")].into()]);
    if misfit != Some("orders") {
        let names = ["orders", "purchases", "archive.orders"];
        let orders = names.iter().find_map(|name| contents.get(*name));
        let ids: Vec<_> = orders.iter().flat_map(|rows| rows.iter()).collect();
        assert_eq!(ids.len(), 2, "{ids:?}");
        assert!(ids.iter().any(|row| row[1] == Value::Int(0)), "{ids:?}");
    }
    if misfit != Some("logs") {
        assert!(contents["logs"].contains(&[Value::Int(1), "one".into()].into()));
    }
    Ok(())
}
