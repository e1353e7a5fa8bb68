//! Databases that a run does not touch, and why.

use std::time::Duration;

use venomqa_adapters::{Error, PostgresAdapter, PostgresMode, PostgresOptions, Result, System};

use crate::bench::{Bench, NOTHING};
use crate::trial::{ORDERS, Test, begin, page_shows};

pub(crate) const TESTS: &[(&str, &str, Test)] = &[
    (
        "a_server_elsewhere_is_refused_unless_it_is_allowed",
        "",
        |bench| Box::pin(remote(bench)),
    ),
    (
        "a_name_that_looks_like_production_is_refused",
        "",
        |bench| Box::pin(production(bench)),
    ),
    ("tls_that_was_not_built_in_is_told", "", |bench| {
        Box::pin(without_tls(bench))
    }),
    ("passwords_are_shown_nowhere", "", |bench| {
        Box::pin(passwords(bench))
    }),
    (
        "the_rights_that_are_missing_are_named_as_grants",
        ORDERS,
        |bench| Box::pin(missing_rights(bench)),
    ),
    (
        "what_a_journal_cannot_follow_is_refused_with_a_way_out",
        ORDERS,
        |bench| Box::pin(obstacles(bench)),
    ),
    (
        "rows_that_are_hidden_from_the_user_are_refused",
        ORDERS,
        |bench| Box::pin(row_security(bench)),
    ),
    ("what_a_journal_does_not_see_is_told", ORDERS, |bench| {
        Box::pin(gaps(bench))
    }),
    (
        "a_schema_of_the_users_with_our_name_is_left_alone",
        ORDERS,
        |bench| Box::pin(our_name(bench)),
    ),
    (
        "a_schema_or_table_that_is_not_there_is_refused",
        ORDERS,
        |bench| Box::pin(mistyped(bench)),
    ),
    ("a_run_begins_once", ORDERS, |bench| {
        Box::pin(begins_once(bench))
    }),
];

fn refused<T: std::fmt::Debug>(outcome: Result<T>) -> String {
    match outcome {
        Err(error @ Error::Refused { .. }) => error.to_string(),
        other => panic!("{other:?}"),
    }
}

async fn remote(bench: &Bench) -> Result<()> {
    let elsewhere =
        || PostgresOptions::from_url(&bench.url).map(|options| options.host("db.example.invalid"));
    let told = refused(elsewhere()?.connect().await);
    assert!(
        told.contains("db.example.invalid is not this machine") && told.contains("allow_remote()"),
        "{told}"
    );
    let told = refused(elsewhere()?.cleanup().await);
    assert!(
        told.contains("db.example.invalid is not this machine"),
        "{told}"
    );
    // Allowed, it is tried.
    let tried = elsewhere()?.allow_remote().connect().await;
    assert!(matches!(tried, Err(Error::Database { .. })), "{tried:?}");
    Ok(())
}

async fn production(bench: &Bench) -> Result<()> {
    let told = refused(
        PostgresOptions::from_url(&bench.url)?
            .database("orders-prod")
            .connect()
            .await,
    );
    assert!(
        told.contains("`prod` in the database's name looks like production"),
        "{told}"
    );
    // Also where a server elsewhere is allowed.
    let elsewhere = PostgresOptions::from_url(&bench.url)?.host("prod2.example.invalid");
    let told = refused(elsewhere.allow_remote().connect().await);
    assert!(
        told.contains("`prod` in the host's name prod2.example.invalid looks like production"),
        "{told}"
    );
    Ok(())
}

async fn without_tls(bench: &Bench) -> Result<()> {
    let url = format!("{}?sslmode=require", bench.url);
    let refused = PostgresAdapter::connect(&url).await;
    page_shows(bench, &refused.expect_err("these tests are built without"));
    Ok(())
}

async fn passwords(bench: &Bench) -> Result<()> {
    let url = bench.url.replacen("postgres@", "nobody_here:hunter2@", 1);
    let options = PostgresOptions::from_url(&url)?;
    let shown = format!("{options:?}");
    assert!(
        shown.contains("nobody_here") && !shown.contains("hunter2"),
        "{shown}"
    );
    let failed = options.connect().await.expect_err("there is no such user");
    assert!(
        !format!("{failed} {failed:?}").contains("hunter2"),
        "{failed:?}"
    );
    let unread =
        PostgresOptions::from_url("postgres://me:hunter2@[broken").expect_err("that is no URL");
    assert!(
        !format!("{unread} {unread:?}").contains("hunter2"),
        "{unread:?}"
    );
    for (url, expected) in [
        (
            "mysql://me:hunter2@localhost/shop",
            "does not begin with `postgres://`",
        ),
        ("localhost:5432/shop", "does not begin with `postgres://`"),
        (
            "postgres://me:hunter2@localhost/shop?sslmod=require",
            "sets `sslmod`",
        ),
        (
            "postgres://me:what?hunter2@localhost/shop",
            "sets something",
        ),
    ] {
        let refused = PostgresOptions::from_url(url).expect_err(url);
        let told = format!("{refused} {refused:?}");
        assert!(
            told.contains(expected) && !told.contains("hunter2"),
            "{told}"
        );
    }
    let nowhere = PostgresOptions::from_url("postgres://me@localhost")?;
    let refused = nowhere.connect().await.expect_err("no database");
    assert!(
        refused.to_string().contains("no database is named"),
        "{refused}"
    );
    let options = PostgresOptions::from_url(&bench.url)?.password("hunter2");
    let db = options.connect().await?;
    assert!(!format!("{db:?}").contains("hunter2"), "{db:?}");
    db.close().await
}

async fn missing_rights(bench: &Bench) -> Result<()> {
    let user = format!("reader_{}", bench.name);
    bench.run(&format!("CREATE ROLE {user} LOGIN; GRANT SELECT ON ALL TABLES IN SCHEMA public TO {user}; CREATE SCHEMA billing; CREATE TABLE billing.bills (x int)")).await;
    let url = bench.url.replacen("postgres@", &format!("{user}@"), 1);
    let db = PostgresAdapter::connect(&url).await?;
    let told = refused(begin(&db).await);
    let grants = [
        format!("GRANT SET ON PARAMETER session_replication_role TO \"{user}\""),
        format!("GRANT CREATE ON DATABASE \"{}\" TO \"{user}\"", bench.name),
        format!(
            "GRANT SELECT, INSERT, DELETE, TRIGGER ON ALL TABLES IN SCHEMA billing TO \"{user}\""
        ),
        format!(
            "GRANT SELECT, INSERT, DELETE, TRIGGER ON ALL TABLES IN SCHEMA public TO \"{user}\""
        ),
        format!("GRANT SELECT, UPDATE ON ALL SEQUENCES IN SCHEMA public TO \"{user}\""),
        format!("GRANT USAGE ON SCHEMA billing TO \"{user}\""),
    ];
    let expected = format!(
        "`{user}` lacks rights that the journal takes; as a superuser, run: {}",
        grants.join("; ")
    );
    assert!(told.ends_with(&expected), "{told}\n{expected}");
    page_shows(bench, &begin(&db).await.expect_err("it may not"));
    assert_eq!(bench.looker().await.ours().await, NOTHING);
    // They are what it takes.
    bench.run(&grants.join("; ")).await;
    begin(&db).await?;
    db.execute("SELECT 1", ()).await?;
    bench.run("INSERT INTO orders DEFAULT VALUES; TRUNCATE notes; INSERT INTO billing.bills VALUES (1)").await;
    assert_eq!(db.changes().await?.len(), 2);
    db.close().await?;
    let left = bench.looker().await.contents().await;
    assert_eq!((left["orders"].len(), left["billing.bills"].len()), (2, 0));
    Ok(())
}

async fn obstacles(bench: &Bench) -> Result<()> {
    bench
        .run("CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'")
        .await;
    for (make, unmake, named) in [
        (
            "CREATE TABLE child () INHERITS (orders)",
            "DROP TABLE child",
            "public.child inherits from public.orders; make the tables independent",
        ),
        (
            "CREATE TRIGGER \"odd one\" AFTER INSERT ON notes FOR EACH ROW EXECUTE FUNCTION f(); ALTER TABLE notes ENABLE ALWAYS TRIGGER \"odd one\"",
            "ALTER TABLE public.notes ENABLE TRIGGER \"odd one\"",
            "the trigger `odd one` of public.notes fires also when rows are put back; run: ALTER TABLE public.notes ENABLE TRIGGER \"odd one\"",
        ),
        (
            "CREATE RULE r AS ON DELETE TO notes DO ALSO SELECT 1; ALTER TABLE notes ENABLE ALWAYS RULE r",
            "ALTER TABLE public.notes ENABLE RULE r",
            "the rule `r` of public.notes applies also when rows are put back; run: ALTER TABLE public.notes ENABLE RULE r",
        ),
        (
            "ALTER TABLE orders ADD CONSTRAINT paid CHECK (paid >= 0) NOT VALID",
            "ALTER TABLE public.orders VALIDATE CONSTRAINT paid",
            "the constraint `paid` of public.orders was never validated, so a row may not go back; run: ALTER TABLE public.orders VALIDATE CONSTRAINT paid",
        ),
        (
            "CREATE DOMAIN cents AS int; CREATE TABLE bills (sum cents); ALTER DOMAIN cents ADD CONSTRAINT paid CHECK (VALUE >= 0) NOT VALID",
            "ALTER DOMAIN public.cents VALIDATE CONSTRAINT paid",
            "the constraint `paid` of public.cents was never validated, so a row may not go back; run: ALTER DOMAIN public.cents VALIDATE CONSTRAINT paid",
        ),
    ] {
        bench.run(make).await;
        let db = PostgresAdapter::connect(&bench.url).await?;
        let told = refused(begin(&db).await);
        assert!(
            told.contains(named) && told.ends_with("or use `PostgresMode::Template`"),
            "{told}"
        );
        bench.run(unmake).await;
        // The way out is one.
        begin(&db).await?;
        db.close().await?;
    }
    Ok(())
}

async fn row_security(bench: &Bench) -> Result<()> {
    let user = format!("partial_{}", bench.name);
    bench
        .run(&format!(
            "CREATE ROLE {user} LOGIN; GRANT ALL ON ALL TABLES IN SCHEMA public TO {user}; GRANT ALL ON ALL SEQUENCES IN SCHEMA public TO {user};
             GRANT CREATE ON DATABASE {} TO {user}; GRANT SET ON PARAMETER session_replication_role TO {user};
             ALTER TABLE orders ENABLE ROW LEVEL SECURITY; CREATE POLICY own ON orders USING (paid = 0)",
            bench.name
        ))
        .await;
    let url = bench.url.replacen("postgres@", &format!("{user}@"), 1);
    let db = PostgresAdapter::connect(&url).await?;
    let told = refused(begin(&db).await);
    let expected = format!(
        "row security hides rows of public.orders from `{user}`; run: ALTER ROLE {user} BYPASSRLS"
    );
    assert!(told.contains(&expected), "{told}");
    bench.run(&format!("ALTER ROLE {user} BYPASSRLS")).await;
    begin(&db).await?;
    assert_eq!(db.execute("DELETE FROM orders", ()).await?, 2);
    assert_eq!(db.changes().await?.len(), 2);
    db.close().await
}

async fn gaps(bench: &Bench) -> Result<()> {
    let db = PostgresAdapter::connect(&bench.url).await?;
    let about = db.about();
    assert!(
        about.name.contains(&bench.name) && about.mechanism.contains("when the run begins"),
        "{about:?}"
    );
    bench.run("CREATE MATERIALIZED VIEW sums AS SELECT sum(paid) FROM orders; CREATE UNLOGGED TABLE loose (id int PRIMARY KEY); CREATE SEQUENCE cached CACHE 10; CREATE EXTENSION citext; CREATE TABLE theirs (x int); ALTER EXTENSION citext ADD TABLE theirs").await;
    begin(&db).await?;
    let about = db.about();
    assert!(
        about.name.starts_with("PostgreSQL 1") && about.sees_foreign_commits,
        "{about:?}"
    );
    assert_eq!(about.mechanism, "trigger journal");
    let expected = [
        "a query without ORDER BY may return them in another one",
        "reading the whole table: `notes`.",
        "empties unlogged tables, and what they held is not put back then: `loose`.",
        "Sequences are put back, but are no part of a state",
        "took ahead from sequences with a cache: \"public\".\"cached\".",
        "Large objects are not followed.",
        "Materialized views are not followed: `public.sums`.",
        "Tables of extensions are not followed: `public.theirs`.",
    ];
    assert_eq!(about.gaps.len(), expected.len(), "{:?}", about.gaps);
    for (gap, expected) in about.gaps.iter().zip(expected) {
        assert!(gap.contains(expected), "{gap}\n{expected}");
    }
    db.close().await?;
    assert_eq!(db.about(), about);
    Ok(())
}

async fn our_name(bench: &Bench) -> Result<()> {
    bench.run("CREATE SCHEMA _venomqa; CREATE TABLE _venomqa.run (mine int); INSERT INTO _venomqa.run VALUES (1)").await;
    let told = refused(PostgresAdapter::connect(&bench.url).await);
    assert!(
        told.contains("a schema `_venomqa` that VenomQA did not make; give it another name"),
        "{told}"
    );
    bench.run("ALTER SCHEMA _venomqa RENAME TO mine").await;
    PostgresAdapter::connect(&bench.url).await?.close().await?;
    bench.run("INSERT INTO mine.run VALUES (2)").await;
    Ok(())
}

async fn begins_once(bench: &Bench) -> Result<()> {
    let options = PostgresOptions::from_url(&bench.url)?.settle(Duration::from_millis(50));
    let db = options.connect().await?;
    let early = db
        .changes()
        .await
        .expect_err("nothing has begun")
        .to_string();
    assert!(early.contains("no run has begun"), "{early}");
    begin(&db).await?;
    let twice = begin(&db).await.expect_err("it has begun").to_string();
    assert!(twice.contains("has begun already"), "{twice}");
    db.close().await?;
    db.close().await?;
    let closed = begin(&db).await.expect_err("it was closed").to_string();
    assert!(closed.contains("was closed"), "{closed}");
    Ok(())
}

async fn mistyped(bench: &Bench) -> Result<()> {
    bench
        .run("CREATE SCHEMA billing; CREATE TABLE billing.bills (x int)")
        .await;
    for mode in [PostgresMode::Journal, PostgresMode::Template] {
        let options = || PostgresOptions::from_url(&bench.url).map(|options| options.mode(mode));
        let no_schema = "only the schema `biling` is to be followed, but there is none; there are billing, public";
        let no_table = "the table `bills` is to be ignored, but there is none; name it as reports do: there are billing.bills, notes, orders";
        for (options, expected) in [
            (options()?.schema("biling"), no_schema),
            (
                options()?.ignore_table("orders").ignore_table("bills"),
                no_table,
            ),
        ] {
            let db = options.connect().await?;
            let told = refused(begin(&db).await);
            assert!(told.ends_with(expected), "{told}");
            db.close().await?;
        }
    }
    assert_eq!(bench.looker().await.ours().await, NOTHING);
    Ok(())
}
