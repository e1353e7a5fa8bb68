//! What is seen, told and undone.

use std::thread::JoinHandle;
use std::time::Duration;

use libtest_mimic::Failed;
use mysql_async::prelude::Queryable;
use venomqa_adapters::{Checkpoint, MySqlMode, System, Value};

use crate::app::App;
use crate::app::dialect::Dialect;
use crate::bench::{Bench, NOTHING, Test, begin, lines};

type Outcome = std::result::Result<(), Failed>;

pub(crate) const TESTS: &[Test] = &[
    ("changes_are_told_by_row", told_by_row),
    (
        "what_a_foreign_key_takes_along_is_told_and_undone",
        taken_along,
    ),
    ("a_table_emptied_at_once_is_filled_again", emptied),
    (
        "ignored_tables_are_left_alone_and_ignored_columns_untold",
        ignored,
    ),
    ("other_databases_do_not_matter", elsewhere),
    (
        "a_foreign_key_is_followed_through_tables_that_are_not",
        through_others,
    ),
    (
        "who_writes_while_it_goes_back_is_no_obstacle",
        written_meanwhile,
    ),
    (
        "who_writes_while_it_ends_kept_nothing_out_of_the_log",
        written_at_the_end,
    ),
    ("a_query_has_the_values_that_are_told", queried),
    ("a_json_value_is_told_as_it_is_printed_and_goes_back", json),
    (
        "a_unique_index_over_long_text_is_followed_by_comparing",
        long_unique,
    ),
];

fn told_by_row(bench: &mut Bench) -> Outcome {
    bench.block_on(async |bench| {
        let mut app = bench.app().await;
        let system = bench.connect().await?;
        let root = begin(&system).await?;
        assert_eq!(system.about().mechanism, "binary log");
        app.run("UPDATE orders SET paid = 5 WHERE id = 1");
        app.run("INSERT INTO orders(status) VALUES('late')");
        app.run("INSERT INTO notes VALUES('twice'), ('twice')");
        let told = [
            "notes added: line twice",
            "notes added: line twice",
            "orders#1: paid 0 -> 5",
            "orders#3 added: status late, paid 0",
        ];
        assert_eq!(lines(&system.changes().await?), told);
        app.run("DELETE FROM orders WHERE id = 3");
        let sealed = system.seal().await?;
        assert_eq!(lines(&sealed.untold), ["orders#3 removed"]);
        app.run("DELETE FROM notes LIMIT 1");
        assert_eq!(
            lines(&system.restore(root).await?),
            ["notes removed: line twice"]
        );
        assert_eq!(system.changes().await?, []);
        assert_eq!(app.run("SELECT * FROM notes"), 0);
        system.restore(sealed.checkpoint).await?;
        assert_eq!(app.run("SELECT * FROM notes"), 2);
        // Numbers given away since are given away again.
        system.restore(root).await?;
        app.run("INSERT INTO orders(status) VALUES('again')");
        assert_eq!(app.run("SELECT * FROM orders WHERE id = 3"), 1);
        system.close().await
    })
}

fn taken_along(bench: &mut Bench) -> Outcome {
    bench.block_on(async |bench| {
        let mut app = bench.app().await;
        let system = bench.connect().await?;
        let root = begin(&system).await?;
        app.run("DELETE FROM orders WHERE id = 2");
        let told = ["items#2 removed", "items#3 removed", "orders#2 removed"];
        assert_eq!(lines(&system.changes().await?), told);
        system.restore(root).await?;
        assert_eq!(app.run("SELECT * FROM items"), 3);
        system.close().await
    })
}

fn emptied(bench: &mut Bench) -> Outcome {
    bench.block_on(async |bench| {
        let mut app = bench.app().await;
        let mut looker = bench.looker().await;
        let before = looker.dump().await;
        let system = bench.connect().await?;
        let root = begin(&system).await?;
        app.run("TRUNCATE TABLE items");
        app.run("INSERT INTO items(order_id, what) VALUES(1, 'sugar')");
        let told = [
            "items#1: what tea -> sugar",
            "items#2 removed",
            "items#3 removed",
        ];
        assert_eq!(lines(&system.changes().await?), told);
        system.restore(root).await?;
        assert_eq!(looker.dump().await, before);
        system.close().await
    })
}

fn ignored(bench: &mut Bench) -> Outcome {
    bench.block_on(async |bench| {
        let mut app = bench.app().await;
        let options = bench
            .options()
            .ignore_table("notes")
            .ignore_column("orders.status");
        let system = options.connect().await?;
        let mut told = Vec::new();
        let root = system
            .begin(&mut |table, _| told.push(table.columns.join(" ")))
            .await?;
        assert!(told.contains(&"id paid".to_owned()), "{told:?}");
        assert!(root.tables.iter().all(|table| table.name != "notes"));
        app.run("INSERT INTO notes VALUES('stays')");
        app.run("UPDATE orders SET status = 'untold'");
        assert_eq!(lines(&system.changes().await?), NOTHING);
        system.restore(root.checkpoint).await?;
        assert_eq!(app.run("SELECT * FROM orders WHERE status = 'untold'"), 0);
        assert!(
            system
                .about()
                .gaps
                .iter()
                .any(|gap| gap.contains("`notes`")),
            "{:?}",
            system.about()
        );
        assert!(
            system
                .about()
                .gaps
                .contains(&"Ignored columns, which are restored: orders.status.".into()),
            "{:?}",
            system.about()
        );
        system.close().await?;
        assert_eq!(app.run("SELECT * FROM notes"), 1);
        Ok(())
    })
}

fn elsewhere(bench: &mut Bench) -> Outcome {
    bench.block_on(async |bench| {
        let mut app = bench.app().await;
        let mut other = bench.root().await;
        let system = bench.connect().await?;
        let root = begin(&system).await?;
        // Types that are not known here, and changes of a schema that is not ours.
        other
            .query_drop(bench.dialect.sql(
                "DROP DATABASE IF EXISTS busy_elsewhere; CREATE DATABASE busy_elsewhere; USE busy_elsewhere; CREATE TABLE packed(b BLOB COMPRESSED, c VARCHAR(99) COMPRESSED); \
                 INSERT INTO packed VALUES(REPEAT('b', 900), REPEAT('c', 90)); ALTER TABLE packed ADD COLUMN d INT; \
                 INSERT INTO packed VALUES('b', 'c', 1); TRUNCATE packed",
            ))
            .await
            .expect("another database");
        app.run("UPDATE orders SET paid = 1 WHERE id = 1");
        assert_eq!(lines(&system.changes().await?), ["orders#1: paid 0 -> 1"]);
        system.restore(root).await?;
        // A foreign key from there may take rows of ours along, and the other way round.
        other
            .query_drop(format!("CREATE TABLE busy_elsewhere.shadow(id INT PRIMARY KEY, FOREIGN KEY(id) REFERENCES `{}`.orders(id) ON DELETE CASCADE)", bench.name))
            .await
            .expect("another table");
        app.run("DELETE FROM orders WHERE id = 1");
        assert_eq!(lines(&system.changes().await?), ["items#1 removed", "orders#1 removed"]);
        other.query_drop("DROP DATABASE busy_elsewhere").await.expect("it goes");
        system.close().await
    })
}

fn through_others(bench: &mut Bench) -> Outcome {
    bench.block_on(async |bench| {
        let mut app = bench.app().await;
        let (name, beside) = (bench.name.clone(), format!("{}_beside", bench.name));
        let child = |of: &str| {
            format!("(id INT PRIMARY KEY, FOREIGN KEY(id) REFERENCES {of}(id) ON DELETE CASCADE)")
        };
        let leaf = |table: &str, of: &str| {
            format!(
                "CREATE TABLE {table}(id INT PRIMARY KEY, up INT, CONSTRAINT {table}_up FOREIGN KEY(up) REFERENCES {of}(id) ON DELETE SET NULL, KEY(up))"
            )
        };
        app.run(&format!("CREATE TABLE middle{}", child("orders")));
        app.run(&leaf("leaf", "middle"));
        app.run(&format!("CREATE DATABASE `{beside}`"));
        app.run(&format!("CREATE TABLE `{beside}`.middle{}", child(&format!("`{name}`.orders"))));
        app.run(&leaf("far", &format!("`{beside}`.middle")));
        // An index may have the name of a foreign key.
        app.run("ALTER TABLE leaf ADD CONSTRAINT leaf_up UNIQUE(id, up)");
        for sql in ["INSERT INTO middle VALUES(2)", "INSERT INTO leaf VALUES(1, 2)", "INSERT INTO far VALUES(1, 2)"] {
            if sql.contains("far") {
                app.run(&format!("INSERT INTO `{beside}`.middle VALUES(2)"));
            }
            app.run(sql);
        }
        let system = bench.options().ignore_table("middle").connect().await?;
        let root = begin(&system).await?;
        app.run("DELETE FROM orders WHERE id = 2");
        let told = ["far#1: up 2 -> NULL", "items#2 removed", "items#3 removed", "leaf#1: up 2 -> NULL", "orders#2 removed"];
        assert_eq!(lines(&system.changes().await?), told);
        system.restore(root).await?;
        assert_eq!(system.changes().await?, []);
        system.close().await?;
        assert_eq!(app.run("SELECT * FROM leaf, far WHERE leaf.up = 2 AND far.up = 2"), 1);
        app.run(&format!("SET foreign_key_checks = 0; DROP DATABASE `{beside}`"));
        Ok(())
    })
}

/// Writes now and for a while, over connections of its own.
fn restless(bench: &Bench) -> JoinHandle<()> {
    let url = bench.url();
    let (tell, writes) = std::sync::mpsc::channel();
    let writer = std::thread::spawn(move || {
        let mut app = App::start(&url);
        for _ in 0..300 {
            app.run("UPDATE orders SET paid = paid + 1 WHERE id = 1");
            app.run("INSERT INTO orders(status) VALUES('restless')");
            // Nobody may be waiting any more.
            let _ = tell.send(());
        }
    });
    writes.recv().expect("it writes");
    writer
}

fn written_meanwhile(bench: &mut Bench) -> Outcome {
    bench.block_on(async |bench| {
        let mut app = bench.app().await;
        for mode in [MySqlMode::Binlog, MySqlMode::Copy] {
            let options = bench.options().mode(mode).settle(Duration::from_secs(30));
            let system = options.connect().await?;
            let root = begin(&system).await?;
            let before = bench.looker().await.dump().await;
            for _ in 0..3 {
                let writer = restless(bench);
                while !writer.is_finished() {
                    app.run("UPDATE orders SET paid = 7 WHERE id = 2");
                    system.restore(root).await?;
                    assert_eq!(app.run("SELECT * FROM orders WHERE paid = 7 AND id = 2"), 0);
                }
                writer.join().expect("no panic");
            }
            system.restore(root).await?;
            assert_eq!(bench.looker().await.dump().await, before, "{mode:?}");
            system.close().await?;
        }
        Ok(())
    })
}

fn written_at_the_end(bench: &mut Bench) -> Outcome {
    bench.block_on(async |bench| {
        let mut app = bench.app().await;
        for _ in 0..10 {
            let options = bench.options().settle(Duration::from_secs(30));
            let system = options.connect().await?;
            begin(&system).await?;
            let writer = restless(bench);
            app.run("DELETE FROM orders WHERE id = 2");
            let closed = system.close().await;
            writer.join().expect("no panic");
            closed?;
        }
        Ok(())
    })
}

fn queried(bench: &mut Bench) -> Outcome {
    bench.block_on(async |bench| {
        let mut app = bench.app().await;
        app.run(&bench.dialect.sql(
            "CREATE TABLE kinds(id INT PRIMARY KEY, big BIGINT UNSIGNED, f FLOAT, g DOUBLE, d DECIMAL(10,2), filled DECIMAL(6,1) ZEROFILL, day DATE, moment DATETIME(3), stamp TIMESTAMP NULL, lasts TIME(1), y YEAR, \
             e ENUM('a','b'), s SET('x','y'), bits BIT(10), b VARBINARY(9), fixed BINARY(4), t VARCHAR(20) CHARSET latin1, doc JSON, u UUID, six INET6, spot POINT)",
        ));
        app.run(
            "INSERT INTO kinds VALUES(1, 18446744073709551615, 0.1, 1e300, -1.5, 2.5, '2024-02-29', '2024-02-29 10:00:00.5', '2024-02-29 10:00:00', '-10:00:00.5', 2024, \
             'b', 'x,y', b'1100000001', x'00ff', x'01', 'naïve €', '[1]', '123e4567-e89b-12d3-a456-426614174000', '::1', POINT(1, 2))",
        );
        let system = bench.connect().await?;
        let mut told = Vec::new();
        system
            .begin(&mut |table, row| {
                if table.name == "kinds" {
                    told.push(row.clone());
                }
            })
            .await?;
        let queried = system.query("SELECT * FROM kinds WHERE id = ? AND t = ?", (1, "naïve €")).await?;
        assert_eq!(queried[0].values(), &*told[0]);
        assert_eq!(queried[0]["d"], Value::Decimal("-1.50".into()));
        assert_eq!(queried[0]["moment"], "2024-02-29 10:00:00.500".into());
        assert_eq!(queried[0].get::<u64>("big")?, u64::MAX);
        let changed = system.execute("INSERT INTO notes VALUES(?), (?)", ("one", "two")).await?;
        assert_eq!(changed, 2);
        assert_eq!(system.changes().await?.len(), 2);
        let several = "UPDATE orders SET paid = 1; DELETE FROM notes WHERE line = 'one'";
        assert_eq!(system.execute(several, ()).await?, 1);
        let error = system.query("SELECT * FROM nowhere", ()).await.expect_err("there is none");
        assert!(error.to_string().contains("run `SELECT * FROM nowhere`"), "{error}");
        system.close().await
    })
}

fn json(bench: &mut Bench) -> Outcome {
    bench.block_on(async |bench| {
        let mut app = bench.app().await;
        app.run("CREATE TABLE docs(id INT PRIMARY KEY, doc JSON)");
        let values = [
            r#"'{"b": [1, null, 1.5, -0.0, 1e300, 18446744073709551615, -5, true], "a": "é\\n\\u0001\\"/"}'"#,
            "JSON_OBJECT('day', CAST('2015-01-15' AS DATE), 'at', CAST('2015-01-15 23:24:25.5' AS DATETIME(1)), 'for', CAST('-23:24:25' AS TIME))",
            "JSON_ARRAY(1.50, 0.05, -12345678901234567890.123, CAST(5 AS DECIMAL(5,0)), 1e15, 0.00001e-9)",
            "JSON_ARRAY(REPEAT('x', 70000), JSON_OBJECT('deep', JSON_ARRAY(70000, -70000, 5000000000)))",
            "NULL",
        ];
        let insert = |id: usize, value: &str| format!("INSERT INTO docs VALUES({id}, {value})");
        for (id, value) in values.iter().enumerate() {
            app.run(&insert(id, value));
        }
        let before = bench.looker().await.dump().await;
        for mode in [MySqlMode::Binlog, MySqlMode::Copy] {
            let system = bench.options().mode(mode).connect().await?;
            let mut told = Vec::new();
            system
                .begin(&mut |table, row| {
                    if table.name == "docs" {
                        told.push(row.clone());
                    }
                })
                .await?;
            let root = Checkpoint(0);
            let queried = system.query("SELECT * FROM docs ORDER BY id", ()).await?;
            let queried: Vec<_> = queried.iter().map(|record| record.values()).collect();
            assert_eq!(told.iter().map(|row| &**row).collect::<Vec<_>>(), queried);
            // What the log says of a value is what a query says.
            for (id, value) in values.iter().enumerate() {
                app.run(&insert(id + 10, value));
            }
            let added = system.changes().await?;
            let added: Vec<_> = added.iter().filter_map(|change| change.new.as_ref()).collect();
            assert_eq!(added.len(), values.len());
            for (row, queried) in added.iter().zip(&queried) {
                assert_eq!(row[1], queried[1]);
            }
            let sealed = system.seal().await?.checkpoint;
            app.run("UPDATE docs SET doc = JSON_SET(doc, '$.a', 'short', '$[0]', 1) WHERE id < 10");
            app.run("DELETE FROM docs WHERE id IN (1, 2, 13)");
            system.restore(root).await?;
            assert_eq!(system.changes().await?, []);
            assert_eq!(bench.looker().await.dump().await, before, "{mode:?}");
            system.restore(sealed).await?;
            assert_eq!(app.run("SELECT * FROM docs"), 2 * values.len());
            // A comparison finds nothing that the log did not tell.
            app.run("TRUNCATE docs");
            app.run("INSERT INTO docs SELECT 1, JSON_OBJECT('day', CAST('2015-01-15' AS DATE))");
            system.restore(root).await?;
            assert_eq!(bench.looker().await.dump().await, before, "{mode:?}");
            system.close().await?;
        }
        Ok(())
    })
}

fn long_unique(bench: &mut Bench) -> Outcome {
    bench.block_on(async |bench| {
        let mut app = bench.app().await;
        // MySQL has no such index.
        app.run(match bench.dialect {
            Dialect::MariaDb => "CREATE TABLE texts(id INT PRIMARY KEY, line TEXT UNIQUE)",
            Dialect::MySql => {
                "CREATE TABLE texts(id INT PRIMARY KEY, line TEXT, UNIQUE(line(20)), KEY((id * 2)))"
            }
        });
        app.run("INSERT INTO texts VALUES(1, 'one')");
        let system = bench.connect().await?;
        let root = begin(&system).await?;
        let told = system
            .about()
            .gaps
            .iter()
            .any(|gap| gap.contains("`texts`"));
        assert_eq!(told, bench.dialect == Dialect::MariaDb);
        app.run("UPDATE texts SET line = 'two' WHERE id = 1");
        app.run("INSERT INTO texts VALUES(2, 'one')");
        let told = ["texts#1: line one -> two", "texts#2 added: line one"];
        assert_eq!(lines(&system.changes().await?), told);
        system.restore(root).await?;
        assert_eq!(
            app.run("SELECT * FROM texts WHERE id = 1 AND line = 'one'"),
            1
        );
        system.close().await
    })
}
