//! The schema changes while it is followed, and is put back.

use libtest_mimic::Failed;
use mysql_async::prelude::Queryable;
use venomqa_adapters::{Error, MySqlAdapter, MySqlMode, MySqlOptions, System};

use crate::bench::{Bench, NOTHING, Test, begin, lines};

type Outcome = std::result::Result<(), Failed>;

pub(crate) const TESTS: &[Test] = &[
    (
        "a_change_of_the_schema_is_named_and_undone_in_the_end",
        schema_change,
    ),
    (
        "a_schema_that_is_back_as_it_was_is_no_obstacle",
        schema_is_back,
    ),
    (
        "what_is_not_a_table_is_made_again_as_it_was",
        not_only_tables,
    ),
    (
        "rows_come_back_before_what_needs_more_rights",
        rows_come_first,
    ),
    (
        "a_routine_that_may_not_be_read_is_told_of_and_missed",
        unreadable_routine,
    ),
];

fn schema_change(bench: &mut Bench) -> Outcome {
    bench.block_on(async |bench| {
        let mut app = bench.app().await;
        app.run("CREATE TRIGGER noted AFTER UPDATE ON orders FOR EACH ROW INSERT INTO notes VALUES('a; b')");
        app.run("CREATE VIEW paid AS SELECT * FROM orders WHERE paid > 0");
        app.run("CREATE VIEW well_paid AS SELECT * FROM paid WHERE paid > 50");
        // Servers print escapes, whether the session that asks knows them or not.
        app.run(r"CREATE TABLE letters(id INT PRIMARY KEY, sender VARCHAR(50) DEFAULT 'it''s \\', CHECK(sender REGEXP '^.+[.\\\\][a-z]*$')) COMMENT 'it''s \\'");
        app.run(r"INSERT INTO letters VALUES(1, 'a.b'), (2, 'it''s \\')");
        app.run(r"CREATE VIEW quoting AS SELECT 'it''s \\' AS it");
        let mut looker = bench.looker().await;
        let before = looker.dump().await;
        for mode in [MySqlMode::Binlog, MySqlMode::Copy] {
            let system = bench.options().mode(mode).connect().await?;
            let root = begin(&system).await?;
            app.run("UPDATE orders SET paid = 1");
            app.run("ALTER TABLE orders ADD COLUMN late INT");
            for refused in [system.changes().await.map(drop), system.restore(root).await.map(drop)] {
                let Err(Error::Irreversible { statement, remedy, .. }) = &refused else {
                    panic!("{refused:?}");
                };
                let expected = match mode {
                    MySqlMode::Binlog => "ALTER TABLE orders ADD COLUMN late INT",
                    _ => "a change of table `orders`",
                };
                assert_eq!(statement, expected);
                assert!(remedy.contains("closing the run puts the old one back"), "{remedy}");
            }
            app.run("DROP VIEW paid");
            app.run("DROP TABLE items");
            app.run("CREATE VIEW items AS SELECT 1 AS id");
            app.run("ALTER TABLE letters ADD COLUMN late INT");
            app.run("DROP VIEW quoting");
            app.run("CREATE TABLE more(id INT)");
            app.run("DROP TRIGGER noted");
            system.close().await?;
            assert_eq!(looker.dump().await, before);
            assert_eq!(looker.ours().await, NOTHING);
        }
        Ok(())
    })
}

fn schema_is_back(bench: &mut Bench) -> Outcome {
    bench.block_on(async |bench| {
        let mut app = bench.app().await;
        let system = bench.connect().await?;
        let root = begin(&system).await?;
        app.run("CREATE TABLE more(id INT)");
        app.run("UPDATE orders SET paid = 1 WHERE id = 1");
        let refused = system.changes().await.expect_err("there is a table more");
        assert!(
            refused.to_string().contains("CREATE TABLE more"),
            "{refused}"
        );
        bench.page_shows(&refused);
        app.run("DROP TABLE more");
        assert_eq!(lines(&system.changes().await?), ["orders#1: paid 0 -> 1"]);
        app.run("ANALYZE TABLE orders");
        system.restore(root).await?;
        assert_eq!(system.changes().await?, []);
        system.close().await
    })
}

fn not_only_tables(bench: &mut Bench) -> Outcome {
    bench.block_on(async |bench| {
        let mut app = bench.app().await;
        let mut admin = bench.root().await;
        // An event whose time is over stays as long as nobody carries events out.
        let scheduler: Option<String> = admin.query_first("SELECT @@global.event_scheduler").await.expect("a setting");
        admin.query_drop("SET GLOBAL event_scheduler = OFF").await.expect("a setting");
        let make: [&[u8]; 9] = [
            b"CREATE FUNCTION doubled(n INT) RETURNS INT DETERMINISTIC RETURN 2 * n",
            b"CREATE PROCEDURE settle() BEGIN UPDATE orders SET paid = doubled(paid); SELECT 'it''s \\\\'; END",
            b"SET time_zone = '+05:00', sql_mode = 'ANSI_QUOTES,NO_BACKSLASH_ESCAPES'",
            b"CREATE EVENT yearly ON SCHEDULE EVERY 1 YEAR STARTS '2037-01-01 00:00:00' DISABLE DO INSERT INTO notes VALUES('\\')",
            b"SET timestamp = 946684800",
            b"CREATE EVENT once ON SCHEDULE AT '2001-01-01 00:00:00' DO INSERT INTO notes VALUES('late')",
            // Three for one event, of which the order is not that of their names.
            b"CREATE TRIGGER c BEFORE UPDATE ON orders FOR EACH ROW SET @way = CONCAT(@way, 'c')",
            b"CREATE TRIGGER a BEFORE UPDATE ON orders FOR EACH ROW SET @way = CONCAT(@way, 'a')",
            // A client with another character set, in a database that was set to another one then.
            b"CREATE TRIGGER b BEFORE UPDATE ON orders FOR EACH ROW SET @way = CONCAT(@way, '\xe9')",
        ];
        let database = &bench.name;
        admin.query_drop(format!("USE `{database}`")).await.expect("it is there");
        for sql in make {
            if sql.starts_with(b"CREATE TRIGGER b") {
                admin
                    .query_drop(format!("ALTER DATABASE `{database}` CHARACTER SET latin1; SET NAMES latin1"))
                    .await
                    .expect("a setting");
            }
            admin.query_drop(sql).await.unwrap_or_else(|error| panic!("{}: {error}", String::from_utf8_lossy(sql)));
        }
        admin.query_drop(format!("ALTER DATABASE `{database}` CHARACTER SET utf8mb4")).await.expect("a setting");
        let mut looker = bench.looker().await;
        let before = looker.dump().await;
        for change in [
            "DROP TRIGGER b",
            "DROP TRIGGER c",
            "DROP FUNCTION doubled",
            "DROP PROCEDURE settle",
            "DROP EVENT yearly",
            "DROP EVENT once",
            "ALTER EVENT yearly ENABLE",
            "ALTER DATABASE CHARACTER SET latin1",
            "CREATE TRIGGER d BEFORE UPDATE ON orders FOR EACH ROW PRECEDES a SET @way = 'd'",
            "ALTER TABLE orders ADD COLUMN late INT",
        ] {
            let system = bench.connect().await?;
            begin(&system).await?;
            app.attempt(1, &format!("{change};")).unwrap_or_else(|error| panic!("{change}: {error}"));
            let changed = system.changes().await;
            assert!(matches!(changed, Err(Error::Irreversible { .. })), "{change}: {changed:?}");
            system.close().await?;
            assert_eq!(looker.dump().await, before, "{change}");
        }
        app.run("DROP EVENT once");
        let scheduler = format!("SET GLOBAL event_scheduler = {}", scheduler.expect("a setting"));
        admin.query_drop(scheduler).await.expect("a setting");
        Ok(())
    })
}

fn rows_come_first(bench: &mut Bench) -> Outcome {
    bench.block_on(async |bench| {
        let mut app = bench.app().await;
        app.run(
            "CREATE TRIGGER noted AFTER INSERT ON items FOR EACH ROW INSERT INTO notes VALUES('x')",
        );
        let before = bench.looker().await.dump().await;
        let mut admin = bench.root().await;
        let user = bench.account("distrusted");
        let rights = bench.rights_of_a_run();
        let grants = format!(
            "DROP USER IF EXISTS {user}; CREATE USER {user}; GRANT {rights} ON *.* TO {user}; GRANT ALL ON `{0}`.* TO {user}; GRANT ALL ON `_venomqa_{0}`.* TO {user}",
            bench.name
        );
        admin.query_drop(grants).await.expect("an account");
        let options = || MySqlOptions::from_url(&bench.url_as(&user));
        let system = options()?.connect().await?;
        begin(&system).await?;
        let gaps = system.about().gaps;
        let trust = "SET GLOBAL log_bin_trust_function_creators = 1";
        assert!(gaps.iter().any(|gap| gap.contains(trust)), "{gaps:?}");
        app.run("UPDATE orders SET paid = 5");
        app.run("ALTER TABLE items ADD COLUMN late INT");
        app.run("DROP TRIGGER noted");
        let refused = system.close().await.expect_err("it may make no trigger");
        let Error::Refused { remedy, .. } = &refused else {
            panic!("{refused:?}");
        };
        assert!(remedy.contains(trust), "{remedy}");
        assert_eq!(app.run("SELECT * FROM orders WHERE paid = 5"), 0);
        assert_eq!(app.run("SELECT * FROM items"), 3);
        // It is enough to do what the message says.
        let grants = remedy.strip_prefix("run as an administrator: ");
        let grants = grants.expect("statements");
        admin
            .query_drop(grants)
            .await
            .unwrap_or_else(|error| panic!("{grants}: {error}"));
        options()?.cleanup().await?;
        let no_trust = "SET GLOBAL log_bin_trust_function_creators = 0";
        admin
            .query_drop(format!("{no_trust}; DROP USER {user}"))
            .await
            .expect("it goes");
        assert_eq!(bench.looker().await.dump().await, before);
        Ok(())
    })
}

fn unreadable_routine(bench: &mut Bench) -> Outcome {
    bench.block_on(async |bench| {
        let mut app = bench.app().await;
        app.run("CREATE PROCEDURE settle() UPDATE orders SET paid = 1");
        let mut admin = bench.root().await;
        let user = bench.account("blind");
        let grants = format!(
            "DROP USER IF EXISTS {user}; CREATE USER {user}; GRANT {1} ON *.* TO {user}; GRANT ALL ON `{0}`.* TO {user}; GRANT ALL ON `_venomqa_{0}`.* TO {user}",
            bench.name,
            bench.rights_of_a_run()
        );
        admin.query_drop(grants).await.expect("an account");
        let url = bench.url_as(&user);
        let system = MySqlAdapter::connect(&url).await?;
        begin(&system).await?;
        let gaps = system.about().gaps;
        let gap = gaps.iter().find(|gap| gap.contains("procedure `settle`"));
        let right = gap.and_then(|gap| gap.split('`').rev().nth(1));
        let right = right.unwrap_or_else(|| panic!("{gaps:?}"));
        app.run("UPDATE orders SET paid = 5");
        app.run("DROP PROCEDURE settle");
        let refused = system.close().await.expect_err("nobody knows what it was");
        assert!(
            matches!(&refused, Error::NotRestored { why, .. } if why.contains("procedure `settle`")),
            "{refused}"
        );
        assert_eq!(app.run("SELECT * FROM orders WHERE paid = 5"), 0);
        let remedy = format!("DROP DATABASE `_venomqa_{}`", bench.name);
        assert!(refused.to_string().contains(&remedy), "{refused}");
        admin.query_drop(remedy).await.expect("as it was told");
        app.run("CREATE PROCEDURE settle() UPDATE orders SET paid = 1");
        // It is enough to do what the message says.
        admin
            .query_drop(format!("{right} TO {user}"))
            .await
            .unwrap_or_else(|error| panic!("{right}: {error}"));
        let system = MySqlAdapter::connect(&url).await?;
        begin(&system).await?;
        let gaps = system.about().gaps;
        assert!(!gaps.iter().any(|gap| gap.contains("settle")), "{gaps:?}");
        system.close().await?;
        admin
            .query_drop(format!("DROP USER {user}"))
            .await
            .expect("it goes");
        Ok(())
    })
}
