//! What a run sees and puts back.

use venomqa_adapters::{Error, PostgresAdapter, PostgresOptions, Result, System, Value};

use crate::app::App;
use crate::bench::{Bench, NOTHING};
use crate::trial::{ORDERS, Test, begin, lines};

pub(crate) const TESTS: &[(&str, &str, Test)] = &[
(
        "changes_are_told_as_rows_with_old_and_new_values",
        ORDERS,
        |bench| Box::pin(told(bench)),
    ),
(
        "what_a_user_writes_is_followed_like_what_the_api_writes",
        ORDERS,
        |bench| Box::pin(user(bench)),
    ),
("values_have_the_types_of_their_columns", ORDERS, |bench| {
        Box::pin(types(bench))
    }),
("ignored_tables_and_columns_are_left_out", ORDERS, |bench| {
        Box::pin(ignored(bench))
    }),
("one_schema_can_be_followed_alone", ORDERS, |bench| {
        Box::pin(one_schema(bench))
    }),
("sequences_go_back", ORDERS, |bench| {
        Box::pin(sequences(bench))
    }),
("a_role_with_few_rights_writes_as_before", ORDERS, |bench| {
        Box::pin(few_rights(bench))
    }),
(
        "rows_changed_behind_the_journal_are_not_overwritten",
        ORDERS,
        |bench| Box::pin(behind(bench)),
    ),
(
        "a_constraint_that_looks_beyond_its_row_is_named",
        "CREATE TABLE stock (amount int);
         CREATE FUNCTION stock() RETURNS bigint LANGUAGE sql AS 'SELECT sum(amount) FROM public.stock';
         CREATE TABLE items (amount int PRIMARY KEY CHECK (amount <= stock()));
         INSERT INTO stock VALUES (5); INSERT INTO items VALUES (5)",
        |bench| Box::pin(beyond_its_row(bench)),
    ),
];

async fn told(bench: &Bench) -> Result<()> {
    let mut app = App::start(&bench.url);
    let db = PostgresAdapter::connect(&bench.url).await?;
    let mut rows = Vec::new();
    let root = db
        .begin(&mut |table, row| rows.push(format!("{} {row:?}", table.name)))
        .await?;
    assert_eq!(rows.len(), 2, "{rows:?}");
    assert_eq!(
        root.tables
            .iter()
            .map(|table| table.name.as_str())
            .collect::<Vec<_>>(),
        ["notes", "orders"]
    );
    app.run("UPDATE orders SET paid = 100 WHERE id = 1");
    app.run("INSERT INTO notes VALUES ('a, \"b\"')");
    app.run("DELETE FROM orders WHERE id = 2");
    app.run("UPDATE orders SET paid = paid");
    let told = db.changes().await?;
    assert_eq!(
        lines(&told),
        [
            "notes added: line a, \"b\"",
            "orders#1: paid 0 -> 100",
            "orders#2 removed"
        ]
    );
    let sealed = db.seal().await?;
    assert_eq!(sealed.untold, []);
    app.run("UPDATE orders SET status = NULL");
    assert_eq!(
        lines(&db.restore(root.checkpoint).await?),
        ["orders#1: status new -> NULL"]
    );
    assert_eq!(app.run("SELECT * FROM orders"), 2);
    assert_eq!(db.restore(sealed.checkpoint).await?, []);
    assert_eq!(
        app.run("SELECT * FROM orders WHERE paid = 100 AND status = 'new'"),
        1
    );
    db.close().await
}

async fn user(bench: &Bench) -> Result<()> {
    let db = PostgresAdapter::connect(&bench.url).await?;
    let root = begin(&db).await?;
    let insert = "INSERT INTO orders (status, paid) VALUES ($1, $2), ($1, 0)";
    assert_eq!(db.execute(insert, ("it's \\ new", 5)).await?, 2);
    assert_eq!(
        db.execute(
            "DELETE FROM orders WHERE id < 0; UPDATE orders SET paid = 1",
            ()
        )
        .await?,
        4
    );
    let found = db
        .query(
            "SELECT id, status FROM orders WHERE status = $1 ORDER BY id",
            ["it's \\ new"],
        )
        .await?;
    assert_eq!(
        found
            .iter()
            .map(|record| record["id"].clone())
            .collect::<Vec<_>>(),
        [Value::Int(3), Value::Int(4)]
    );
    let failed = db
        .execute("INSERT INTO orders (paid) VALUES ($1)", [Value::Null])
        .await;
    let failed = failed.expect_err("paid is not null").to_string();
    assert!(
        failed.contains("INSERT INTO orders") && failed.contains("null value in column \"paid\""),
        "{failed}"
    );
    assert_eq!(
        db.execute(insert, ("again", 1)).await?,
        2,
        "a statement that failed is in nobody's way"
    );
    assert_eq!(db.changes().await?.len(), 6);
    db.restore(root).await?;
    assert_eq!(db.query("SELECT 1 FROM orders", ()).await?.len(), 2);
    db.close().await
}

async fn types(bench: &Bench) -> Result<()> {
    bench.run("CREATE TYPE mood AS ENUM ('sad'); CREATE DOMAIN cents AS bigint; CREATE TABLE all_types (b bool, i int, c cents, f real, n numeric, t text, x bytea, m mood, j jsonb, at timestamptz, e text)").await;
    let db = PostgresAdapter::connect(&bench.url).await?;
    begin(&db).await?;
    let (float, bytes): (f64, &[u8]) = (0.25, &[0, 255]);
    let values: Vec<Value> = vec![
        true.into(),
        7.into(),
        8.into(),
        float.into(),
        "1.50".into(),
        "é\\".into(),
        bytes.into(),
        "sad".into(),
        "{\"a\": 1}".into(),
        "2024-02-03T04:05:06+01:00".into(),
        Value::Null,
    ];
    db.execute(
        "INSERT INTO all_types VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
        values.clone(),
    )
    .await?;
    let mut expected = values;
    expected[4] = Value::Decimal("1.50".into());
    expected[9] = "2024-02-03 03:05:06+00".into();
    let record = &db.query("SELECT * FROM all_types", ()).await?[0];
    assert_eq!(record.values(), expected);
    assert_eq!(record.columns()[2], "c");
    let told = db.changes().await?;
    assert_eq!(told[0].new.as_deref(), Some(expected.as_slice()));
    let found = db
        .query(
            "SELECT t FROM all_types WHERE f = $1 AND x = $2 AND at < $3",
            (float, bytes, "infinity"),
        )
        .await?;
    assert_eq!(found.len(), 1);
    assert_eq!(
        db.query("SELECT sum(c) AS sum FROM all_types", ()).await?[0].get::<i64>("sum")?,
        8
    );
    db.close().await
}

async fn ignored(bench: &Bench) -> Result<()> {
    bench.run("CREATE TABLE audit (id serial, line text); CREATE SCHEMA billing; CREATE TABLE billing.logs (x int)").await;
    let mut app = App::start(&bench.url);
    let db = PostgresOptions::from_url(&bench.url)?
        .ignore_table("audit")
        .ignore_table("billing.logs")
        .ignore_column("orders.status")
        .connect()
        .await?;
    let root = begin(&db).await?;
    for gap in [
        "Ignored tables: audit, billing.logs.",
        "Ignored columns, which are restored: orders.status.",
    ] {
        let gaps = db.about().gaps;
        assert!(gaps.iter().any(|told| told == gap), "{gap} {gaps:?}");
    }
    app.run("INSERT INTO audit (line) VALUES ('one')");
    app.run("INSERT INTO billing.logs VALUES (1)");
    app.run("UPDATE orders SET status = 'other' WHERE id = 1");
    assert_eq!(lines(&db.changes().await?), NOTHING);
    app.run("UPDATE orders SET paid = 7, status = 'third' WHERE id = 1");
    assert_eq!(lines(&db.changes().await?), ["orders#1: paid 0 -> 7"]);
    app.run("UPDATE orders SET status = 'fourth' WHERE id = 1");
    assert_eq!(lines(&db.restore(root).await?), NOTHING);
    assert_eq!(app.run("SELECT * FROM orders WHERE status = 'new'"), 1);
    assert_eq!(
        app.run("SELECT * FROM audit, audit_id_seq WHERE last_value = 1 AND is_called"),
        1,
        "not restored"
    );
    assert_eq!(app.run("SELECT * FROM billing.logs"), 1);
    db.close().await
}

async fn one_schema(bench: &Bench) -> Result<()> {
    bench
        .run("CREATE SCHEMA billing; CREATE TABLE billing.invoices (id serial PRIMARY KEY)")
        .await;
    let mut app = App::start(&bench.url);
    let db = PostgresOptions::from_url(&bench.url)?
        .schema("billing")
        .connect()
        .await?;
    let root = begin(&db).await?;
    app.run("INSERT INTO billing.invoices DEFAULT VALUES");
    app.run("INSERT INTO orders DEFAULT VALUES");
    assert_eq!(lines(&db.changes().await?), ["invoices#1 added"]);
    db.restore(root).await?;
    assert_eq!(
        (
            app.run("SELECT * FROM billing.invoices"),
            app.run("SELECT * FROM orders")
        ),
        (0, 3)
    );
    db.close().await?;

    let db = PostgresAdapter::connect(&bench.url).await?;
    begin(&db).await?;
    app.run("INSERT INTO billing.invoices DEFAULT VALUES");
    assert_eq!(lines(&db.changes().await?), ["billing.invoices#1 added"]);
    db.close().await
}

async fn sequences(bench: &Bench) -> Result<()> {
    let mut app = App::start(&bench.url);
    let db = PostgresAdapter::connect(&bench.url).await?;
    let root = begin(&db).await?;
    app.run("BEGIN; INSERT INTO orders DEFAULT VALUES; ROLLBACK");
    assert_eq!(lines(&db.changes().await?), NOTHING);
    let sealed = db.seal().await?.checkpoint;
    app.run("TRUNCATE orders RESTART IDENTITY");
    db.restore(sealed).await?;
    app.run("INSERT INTO orders DEFAULT VALUES");
    assert_eq!(
        lines(&db.changes().await?),
        ["orders#4 added: status NULL, paid 0"]
    );
    db.restore(root).await?;
    app.run("INSERT INTO orders DEFAULT VALUES");
    assert_eq!(
        lines(&db.changes().await?),
        ["orders#3 added: status NULL, paid 0"]
    );
    db.close().await
}

async fn few_rights(bench: &Bench) -> Result<()> {
    let role = format!("few_{}", bench.name);
    bench.run(&format!("CREATE ROLE {role} LOGIN; GRANT INSERT, UPDATE (paid), SELECT ON orders TO {role}; GRANT USAGE ON SEQUENCE orders_id_seq TO {role}")).await;
    let mut app = App::start(&bench.url.replacen("postgres@", &format!("{role}@"), 1));
    let db = PostgresAdapter::connect(&bench.url).await?;
    let root = begin(&db).await?;
    app.run("SET extra_float_digits = -15; SET DateStyle = 'German'; SET bytea_output = 'escape'");
    app.run("INSERT INTO orders (status) VALUES ('theirs')");
    app.run("UPDATE orders SET paid = 3 WHERE id = 1");
    assert_eq!(
        lines(&db.changes().await?),
        [
            "orders#1: paid 0 -> 3",
            "orders#3 added: status theirs, paid 0"
        ]
    );
    db.restore(root).await?;
    assert_eq!(app.run("SELECT * FROM orders WHERE paid <> 3"), 2);
    db.close().await
}

async fn behind(bench: &Bench) -> Result<()> {
    let mut app = App::start(&bench.url);
    let before = bench.looker().await.full_dump().await;
    let options = || {
        Ok::<_, Error>(
            PostgresOptions::from_url(&bench.url)?.settle(std::time::Duration::from_millis(100)),
        )
    };
    let db = options()?.connect().await?;
    let root = begin(&db).await?;
    app.run("UPDATE orders SET paid = 1 WHERE id = 1");
    db.changes().await?;
    app.run("SET session_replication_role = replica");
    app.run("UPDATE orders SET paid = 2 WHERE id = 1");
    for refused in [
        db.restore(root).await.map(drop),
        db.close().await,
        options()?.cleanup().await,
    ] {
        let Err(Error::NotRestored { why, remedy, .. }) = &refused else {
            panic!("{refused:?}");
        };
        assert!(
            why.contains("`orders` lacks rows that the run made or changed")
                && remedy.contains("make it anew"),
            "{why}; {remedy}"
        );
    }
    assert_eq!(
        app.run("SELECT * FROM orders WHERE paid = 2"),
        1,
        "nothing was overwritten"
    );
    app.run("UPDATE orders SET paid = 1 WHERE id = 1");
    options()?.cleanup().await?;
    assert_eq!(bench.looker().await.full_dump().await, before);
    Ok(())
}

async fn beyond_its_row(bench: &Bench) -> Result<()> {
    let mut app = App::start(&bench.url);
    let db = PostgresOptions::from_url(&bench.url)?
        .ignore_table("stock")
        .settle(std::time::Duration::from_millis(100))
        .connect()
        .await?;
    let root = begin(&db).await?;
    app.run("DELETE FROM items");
    app.run("UPDATE stock SET amount = 3");
    let Err(Error::NotRestored { why, remedy, .. }) = db.restore(root).await else {
        panic!("the stock does not go back");
    };
    assert!(why.contains("violates check constraint"), "{why}");
    assert!(remedy.contains("nothing but its row"), "{remedy}");
    app.run("UPDATE stock SET amount = 5");
    db.close().await
}
