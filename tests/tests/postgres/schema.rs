//! Statements that a journal cannot undo.

use venomqa_adapters::{Error, PostgresAdapter, Result, System};

use crate::app::App;
use crate::bench::{Bench, NOTHING};
use crate::trial::{ORDERS, Test, begin, lines, page_shows};

pub(crate) const TESTS: &[(&str, &str, Test)] = &[
    ("a_change_of_the_schema_is_named", ORDERS, |bench| {
        Box::pin(schema_changed(bench, "postgres"))
    }),
    (
        "a_change_of_the_schema_is_named_to_a_plain_user_too",
        ORDERS,
        |bench| Box::pin(schema_changed(bench, "plain")),
    ),
    (
        "a_table_whose_columns_changed_is_told_to_be_left",
        ORDERS,
        |bench| Box::pin(columns_changed(bench)),
    ),
    (
        "a_truncate_that_does_not_see_all_rows_is_told_to_be_left",
        ORDERS,
        |bench| Box::pin(blind_truncate(bench)),
    ),
    (
        "temporary_tables_are_nobody_elses_business",
        ORDERS,
        |bench| Box::pin(temporary(bench)),
    ),
];

/// The URL of the same database for a user who may follow it and is no superuser.
pub(crate) async fn url_of_plain_user(bench: &Bench) -> String {
    let name = format!("plain_{}", bench.name);
    bench
        .run(&format!(
            "CREATE ROLE {name} LOGIN; GRANT CREATE ON DATABASE {} TO {name}; GRANT SET ON PARAMETER session_replication_role TO {name};
             GRANT SELECT, INSERT, DELETE, TRIGGER ON ALL TABLES IN SCHEMA public TO {name};
             GRANT SELECT, UPDATE ON ALL SEQUENCES IN SCHEMA public TO {name};
             ALTER DEFAULT PRIVILEGES GRANT SELECT, INSERT, DELETE, TRIGGER ON TABLES TO {name}",
            bench.name
        ))
        .await;
    bench.url.replacen("postgres@", &format!("{name}@"), 1)
}

async fn schema_changed(bench: &Bench, user: &str) -> Result<()> {
    let url = match user {
        "plain" => url_of_plain_user(bench).await,
        _ => bench.url.clone(),
    };
    let mut app = App::start(&bench.url);
    app.run("CREATE INDEX by_line ON notes (line)");
    app.run("CREATE DOMAIN cents AS int");
    app.run("CREATE MATERIALIZED VIEW sums AS SELECT sum(paid) FROM orders");
    let mut looker = bench.looker().await;
    for (statement, named) in [
        ("CREATE TABLE late (id int)", "late created"),
        (
            "CREATE INDEX by_status ON orders (status)",
            "by_status created",
        ),
        (
            "ALTER TABLE notes ADD COLUMN extra int DEFAULT 3",
            "notes changed",
        ),
        ("DROP INDEX by_line", "by_line dropped"),
        (
            "CREATE OR REPLACE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'",
            "f() created",
        ),
        (
            "ALTER DOMAIN cents ADD CONSTRAINT positive CHECK (VALUE > 0)",
            "positive created",
        ),
        ("REFRESH MATERIALIZED VIEW sums", "sums changed"),
    ] {
        let rows = looker.dump().await.replace("public.", "");
        let db = PostgresAdapter::connect(&url).await?;
        let plain = db.about().gaps.len();
        let root = begin(&db).await?;
        assert!(db.about().gaps.len() > plain, "{:?}", db.about());
        app.run("INSERT INTO orders DEFAULT VALUES");
        app.run("UPDATE orders SET paid = 1");
        assert_eq!(db.changes().await?.len(), 3);
        app.run(statement);
        app.run("INSERT INTO orders DEFAULT VALUES");
        if statement.starts_with("CREATE TABLE") && user != "plain" {
            page_shows(bench, &db.changes().await.expect_err("the schema changed"));
        }
        for refused in [
            db.changes().await.map(drop),
            db.seal().await.map(drop),
            db.restore(root).await.map(drop),
            db.close().await,
        ] {
            let Err(Error::Irreversible {
                statement: said,
                remedy,
                ..
            }) = refused
            else {
                panic!("{statement}: {refused:?}");
            };
            let expected = if user == "plain" { named } else { statement };
            assert!(said.contains(expected), "{said} does not name {expected}");
            assert!(
                remedy.contains("before the run begins")
                    || remedy.contains("all rows were put back"),
                "{remedy}"
            );
        }
        let now = looker.dump().await;
        let lines = |dump: &str| {
            dump.lines()
                .filter(|line| line.starts_with("orders") || line.starts_with("  ("))
                .map(String::from)
                .collect::<Vec<_>>()
        };
        assert_eq!(lines(&now), lines(&rows), "{statement}");
        assert_eq!(looker.ours().await, NOTHING, "{statement}");
    }
    Ok(())
}

async fn columns_changed(bench: &Bench) -> Result<()> {
    let mut app = App::start(&bench.url);
    let db = PostgresAdapter::connect(&bench.url).await?;
    begin(&db).await?;
    app.run("UPDATE orders SET paid = 5 WHERE id = 1");
    app.run("INSERT INTO notes VALUES ('late')");
    app.run("ALTER TABLE orders DROP COLUMN status, ADD COLUMN state int");
    app.run("INSERT INTO orders (paid, state) VALUES (1, 1)");
    assert_eq!(
        app.run("UPDATE orders SET paid = paid + 1"),
        3,
        "the application goes on"
    );
    let left = db
        .close()
        .await
        .expect_err("the rows of a table of another shape cannot be put back");
    page_shows(bench, &left);
    let left = left.to_string();
    assert!(
        left.contains("ALTER TABLE orders DROP COLUMN status")
            && left.contains("but those of `orders` could not be"),
        "{left}"
    );
    assert!(left.contains("make the database anew"), "{left}");
    assert_eq!(
        (
            app.run("SELECT * FROM notes"),
            app.run("SELECT * FROM orders")
        ),
        (0, 3)
    );
    assert_eq!(bench.looker().await.ours().await, NOTHING);
    Ok(())
}

async fn blind_truncate(bench: &Bench) -> Result<()> {
    for user in ["postgres", "plain"] {
        let url = match user {
            "plain" => url_of_plain_user(bench).await,
            _ => bench.url.clone(),
        };
        let mut app = App::start(&bench.url);
        app.run("INSERT INTO notes VALUES ('old')");
        let db = PostgresAdapter::connect(&url).await?;
        begin(&db).await?;
        app.attempt(1, "BEGIN ISOLATION LEVEL REPEATABLE READ")
            .expect("it begins");
        app.attempt(1, "SELECT * FROM notes").expect("it reads");
        // In its eyes the row is still there, and would go twice.
        app.run("DELETE FROM notes");
        app.run("UPDATE orders SET paid = 1");
        app.attempt(1, "TRUNCATE notes").expect("it truncates");
        app.attempt(1, "COMMIT").expect("it ends");
        let told = db.changes().await.expect_err("it is not known what went");
        page_shows(bench, &told);
        let left = db.close().await.expect_err("notes is left").to_string();
        assert!(left.contains("those of `notes` could not be"), "{left}");
        assert_eq!(app.run("SELECT * FROM orders WHERE paid <> 1"), 2);
        assert_eq!(bench.looker().await.ours().await, NOTHING);
    }
    Ok(())
}

async fn temporary(bench: &Bench) -> Result<()> {
    let mut app = App::start(&bench.url);
    let db = PostgresAdapter::connect(&bench.url).await?;
    let root = begin(&db).await?;
    app.run("CREATE TEMP TABLE mine (id serial PRIMARY KEY, x int)");
    app.run("CREATE INDEX ON mine (x)");
    app.run("INSERT INTO mine (x) VALUES (1)");
    app.run("ALTER TABLE mine ADD COLUMN y int");
    assert_eq!(lines(&db.changes().await?), NOTHING);
    app.run("DROP TABLE mine");
    db.restore(root).await?;
    db.close().await
}
