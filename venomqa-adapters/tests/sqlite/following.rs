//! What is seen of what the application writes, and undone.

use libtest_mimic::Failed;
use venomqa_adapters::{Error, SqliteAdapter, SqliteMode, SqliteOptions, System, Value};

use crate::app;
use crate::app::App;
use crate::app::look::Looker;
use crate::bench::{Bench, NOTHING, Test, begin, lines};

pub(crate) const TESTS: &[(&str, Test)] = &[
    (
        "changes_of_the_application_are_told_and_undone",
        told_and_undone,
    ),
    (
        "what_arrives_before_a_seal_is_told_by_the_seal_alone",
        told_by_the_seal,
    ),
    ("prepared_statements_survive", prepared_statements_survive),
    ("own_statements_are_followed", own_statements),
    (
        "row_numbers_are_restored_though_they_do_not_show",
        row_numbers,
    ),
    (
        "a_write_past_the_triggers_is_noticed_or_named_in_the_end",
        past_the_triggers,
    ),
    (
        "a_temporary_trigger_that_rewrites_deceives_the_journal_until_the_end",
        temporary_trigger,
    ),
    (
        "words_of_an_index_without_contents_are_restored_but_not_told",
        contentless_index,
    ),
    (
        "what_triggers_cannot_follow_is_copied_and_the_reason_told",
        reasons,
    ),
    (
        "a_changed_schema_without_a_copy_is_an_error",
        schema_without_copy,
    ),
    ("ignored_tables_are_left_alone", ignored_tables),
];

fn told_and_undone(bench: &mut Bench) -> std::result::Result<(), Failed> {
    bench.block_on(async |bench| {
        let mut app = bench.app();
        let system = bench.open().await?;
        let mut rows = Vec::new();
        let root = system
            .begin(&mut |table, row| rows.push((table.name.clone(), row.clone())))
            .await?;
        let first: [Value; 3] = [1.into(), "new".into(), 0.into()];
        assert!(rows.contains(&("orders".into(), first.into())));
        let names: Vec<_> = root
            .tables
            .iter()
            .map(|table| table.name.as_str())
            .collect();
        assert_eq!(
            names,
            ["notes", "orders", "sqlite_sequence", "sqlite_settings"]
        );

        app.run("UPDATE orders SET status = 'paid', paid = 100 WHERE id = 1");
        app.run("INSERT OR REPLACE INTO orders VALUES(2, 'new', 0)");
        app.run("BEGIN; INSERT INTO orders(status) VALUES('lost'); ROLLBACK");
        let told = lines(&system.changes().await?);
        assert_eq!(
            told,
            [
                "orders#1: status new -> paid, paid 0 -> 100",
                "orders#2: status paid -> new, paid 100 -> 0"
            ]
        );
        let paid = system.seal().await?.checkpoint;
        app.run("INSERT INTO orders(status) VALUES('late')");
        let untold = lines(&system.restore(root.checkpoint).await?);
        assert_eq!(
            untold,
            [
                "orders#3 added: status late, paid NULL",
                "sqlite_sequence#orders: seq 2 -> 3"
            ]
        );
        assert_eq!(
            app.run("SELECT * FROM orders WHERE paid = 100 AND id = 2"),
            1
        );
        assert_eq!(lines(&system.changes().await?), NOTHING);
        system.restore(paid).await?;
        assert_eq!(
            app.run("SELECT * FROM orders WHERE paid = 100 AND id = 1"),
            1
        );
        system.close().await
    })
}

fn told_by_the_seal(bench: &mut Bench) -> std::result::Result<(), Failed> {
    bench.block_on(async |bench| {
        let mut app = bench.app();
        for (mode, late) in [
            (SqliteMode::Journal, "SELECT 1; SELECT 2"),
            (SqliteMode::Auto, "CREATE TABLE late(n); DROP TABLE late"),
            (SqliteMode::Backup, "SELECT 1; SELECT 2"),
        ] {
            let options = SqliteOptions {
                mode,
                ..SqliteOptions::default()
            };
            let system = SqliteAdapter::open_with(&bench.path, options).await?;
            let root = begin(&system).await?;
            app.run("UPDATE orders SET paid = 100 WHERE id = 1");
            app.run("INSERT INTO notes VALUES('soon gone')");
            system.changes().await?;
            app.run("UPDATE orders SET paid = 200 WHERE id = 1");
            app.run("DELETE FROM notes");
            app.run(late);
            let sealed = system.seal().await?;
            let told = lines(&sealed.untold);
            let expected = ["notes removed: line soon gone", "orders#1: paid 100 -> 200"];
            assert_eq!(told, expected, "{mode:?}");
            assert_eq!(lines(&system.changes().await?), NOTHING, "{mode:?}");
            assert_eq!(lines(&system.restore(root).await?), NOTHING, "{mode:?}");
            assert_eq!(app.run("SELECT * FROM orders WHERE paid = 0"), 1);
            system.restore(sealed.checkpoint).await?;
            assert_eq!(app.run("SELECT * FROM orders WHERE paid = 200"), 1);
            assert_eq!(app.run("SELECT * FROM notes"), 0);
            system.close().await?;
        }
        Ok(())
    })
}

fn prepared_statements_survive(bench: &mut Bench) -> std::result::Result<(), Failed> {
    bench.block_on(async |bench| {
        let mut app = bench.app();
        // The application keeps each statement prepared, per connection.
        let insert = "INSERT INTO orders(status, paid) VALUES('new', 0)";
        let count = "SELECT * FROM orders";
        for connection in 0..app::CONNECTIONS {
            app.attempt(connection, insert).unwrap();
            app.attempt(connection, count).unwrap();
        }
        let system = bench.open().await?;
        let root = begin(&system).await?;
        for round in 0..3 {
            for connection in 0..app::CONNECTIONS {
                assert_eq!(app.attempt(connection, count), Ok(5), "round {round}");
                app.attempt(connection, insert).unwrap();
                assert_eq!(app.attempt(connection, count), Ok(6), "round {round}");
                assert_eq!(system.changes().await?.len(), 2);
                system.restore(root).await?;
            }
        }
        system.close().await?;
        app.attempt(1, insert).unwrap();
        assert_eq!(app.attempt(2, count), Ok(6));
        Ok(())
    })
}

fn own_statements(bench: &mut Bench) -> std::result::Result<(), Failed> {
    bench.block_on(async |bench| {
        let mut app = bench.app();
        let system = bench.open().await?;
        let root = begin(&system).await?;
        let changed = system
            .execute("UPDATE orders SET paid = ? WHERE id <= ?", (7, 2))
            .await?;
        assert_eq!(changed, 2);
        let found = system
            .query(
                "SELECT id, paid, status FROM orders WHERE paid = ? ORDER BY id",
                [7],
            )
            .await?;
        assert_eq!(found[1]["id"], 2.into());
        assert_eq!(found[1].get::<String>("status")?, "paid");
        let told = lines(&system.changes().await?);
        assert_eq!(told, ["orders#1: paid 0 -> 7", "orders#2: paid 100 -> 7"]);
        system.restore(root).await?;
        assert_eq!(app.run("SELECT * FROM orders WHERE paid = 7"), 0);
        app.run("ALTER TABLE orders ADD COLUMN note DEFAULT 'none'; SELECT 1");
        let all = "SELECT * FROM orders WHERE id = ?";
        assert_eq!(system.query(all, [1]).await?[0]["note"], "none".into());
        app.run("ALTER TABLE orders ADD COLUMN later DEFAULT 'too'; SELECT 1");
        assert_eq!(system.query(all, [1]).await?[0]["later"], "too".into());
        let wrong = system
            .query("SELECT * FROM order_s", ())
            .await
            .unwrap_err()
            .to_string();
        assert!(wrong.contains("order_s"), "{wrong}");
        system.close().await
    })
}

fn row_numbers(bench: &mut Bench) -> std::result::Result<(), Failed> {
    bench.block_on(async |bench| {
        let mut app = bench.app();
        app.run("INSERT INTO notes VALUES('same'), ('other')");
        let looker = Looker::open(&bench.path);
        let dump = looker.dump();
        for mode in [SqliteMode::Journal, SqliteMode::Backup] {
            let options = SqliteOptions { mode, ..SqliteOptions::default() };
            let system = SqliteAdapter::open_with(&bench.path, options).await?;
            let root = begin(&system).await?;
            app.run("BEGIN; DELETE FROM notes WHERE line = 'same'; INSERT INTO notes VALUES('same'); COMMIT");
            assert_ne!(looker.dump(), dump);
            assert_eq!(lines(&system.changes().await?), NOTHING, "{mode:?}");
            system.restore(root).await?;
            assert_eq!(looker.dump(), dump, "{mode:?}");
            system.close().await?;
        }
        Ok(())
    })
}

fn past_the_triggers(bench: &mut Bench) -> std::result::Result<(), Failed> {
    use rusqlite::config::DbConfig::SQLITE_DBCONFIG_ENABLE_TRIGGER;

    bench.block_on(async |bench| {
        let mut app = bench.app();
        let looker = Looker::open(&bench.path);
        let dump = looker.dump();
        let past = &looker.0;
        past.set_db_config(SQLITE_DBCONFIG_ENABLE_TRIGGER, false)
            .unwrap();

        // On its own it is noticed at once.
        let system = bench.open().await?;
        let root = begin(&system).await?;
        app.run("DELETE FROM orders WHERE id = 2");
        system.seal().await?;
        past.execute_batch("UPDATE orders SET paid = 77 WHERE id = 1")
            .unwrap();
        assert_eq!(lines(&system.changes().await?), ["orders#1: paid 0 -> 77"]);
        let paid = system.seal().await?.checkpoint;
        let paid_dump = looker.dump();
        system.restore(root).await?;
        assert_eq!(looker.dump(), dump);
        system.restore(paid).await?;
        assert_eq!(looker.dump(), paid_dump);
        system.close().await?;
        assert_eq!(looker.dump(), dump);

        // Together with others it is not, but nothing of it stays.
        let system = bench.open().await?;
        begin(&system).await?;
        app.run("DELETE FROM orders WHERE id = 2");
        past.execute_batch("UPDATE orders SET paid = 77 WHERE id = 1")
            .unwrap();
        assert_eq!(lines(&system.changes().await?), ["orders#2 removed"]);
        let told = system.close().await.unwrap_err().to_string();
        assert!(
            told.contains("orders#1: paid 0 -> 77") && told.contains("SqliteMode::Backup"),
            "{told}"
        );
        assert_eq!(looker.dump(), dump);
        assert_eq!(looker.ours(), NOTHING);
        assert_eq!(bench.files_of_ours(), NOTHING);
        Ok(())
    })
}

fn temporary_trigger(bench: &mut Bench) -> std::result::Result<(), Failed> {
    bench.block_on(async |bench| {
        let mut app = bench.app();
        app.run(
            "CREATE TEMP TRIGGER rewrites AFTER INSERT ON notes BEGIN \
             UPDATE notes SET line = upper(line) WHERE rowid = NEW.rowid; END",
        );
        let looker = Looker::open(&bench.path);
        let dump = looker.dump();
        for mode in [SqliteMode::Auto, SqliteMode::Backup] {
            let options = SqliteOptions {
                mode,
                ..SqliteOptions::default()
            };
            let system = SqliteAdapter::open_with(&bench.path, options).await?;
            let root = begin(&system).await?;
            let gap = system
                .about()
                .gaps
                .iter()
                .any(|gap| gap.contains("TEMP trigger"));
            assert_eq!(gap, mode == SqliteMode::Auto);
            app.run("INSERT INTO notes VALUES('loud')");
            let told = lines(&system.changes().await?);
            assert_eq!(told == ["notes added: line LOUD"], !gap, "{told:?}");
            system.restore(root).await?;
            assert_eq!(looker.dump() == dump, !gap);
            assert_eq!(system.close().await.is_err(), gap);
            assert_eq!(looker.dump(), dump);
        }
        Ok(())
    })
}

fn contentless_index(bench: &mut Bench) -> std::result::Result<(), Failed> {
    bench.block_on(async |bench| {
        let mut app = bench.app();
        app.run("CREATE VIRTUAL TABLE lines USING fts5(line); SELECT 1");
        app.run("CREATE VIRTUAL TABLE words USING fts5(line, content = ''); SELECT 1");
        app.run("INSERT INTO words(rowid, line) VALUES(1, 'before')");
        let system = bench.open().await?;
        let root = begin(&system).await?;
        let gaps = system.about().gaps.join(" ");
        assert!(
            gaps.contains("`words`") && !gaps.contains("`lines`"),
            "{gaps}"
        );
        app.run("INSERT INTO words(words) VALUES('delete-all'); INSERT INTO words(rowid, line) VALUES(1, 'after')");
        assert_eq!(lines(&system.changes().await?), NOTHING);
        system.restore(root).await?;
        assert_eq!(app.run("SELECT * FROM words WHERE words MATCH 'before'"), 1);
        system.close().await
    })
}

fn reasons(bench: &mut Bench) -> std::result::Result<(), Failed> {
    bench.block_on(async |bench| {
        for (number, (schema, reason)) in [
            (
                "CREATE VIRTUAL TABLE words USING fts5(line)",
                "`words` is a virtual table",
            ),
            (
                "CREATE TABLE all_hidden(rowid, oid, _rowid_)",
                "columns of `all_hidden` hide its row numbers",
            ),
            (
                "CREATE TABLE plain(id INTEGER PRIMARY KEY, n)",
                "trigger journal",
            ),
        ]
        .into_iter()
        .enumerate()
        {
            let path = bench.folder.path().join(format!("{number}.db"));
            let mut app = App::start(&path, bench.mode);
            app.run(&format!(
                "{schema}; CREATE TABLE t(n); INSERT INTO t VALUES(1)"
            ));
            let system = SqliteAdapter::open(&path).await?;
            let root = begin(&system).await?;
            let mechanism = system.about().mechanism;
            assert!(mechanism.contains(reason), "{mechanism}");
            app.run("UPDATE t SET n = 2");
            system.restore(root).await?;
            assert_eq!(app.run("SELECT * FROM t WHERE n = 1"), 1, "{schema}");
            system.close().await?;
        }
        Ok(())
    })
}

fn schema_without_copy(bench: &mut Bench) -> std::result::Result<(), Failed> {
    bench.block_on(async |bench| {
        let mut app = bench.app();
        let options = SqliteOptions {
            mode: SqliteMode::Journal,
            ..SqliteOptions::default()
        };
        let system = SqliteAdapter::open_with(&bench.path, options).await?;
        begin(&system).await?;
        app.run("CREATE TABLE surprise(id); ALTER TABLE notes ADD COLUMN author");
        let refused = system.changes().await.unwrap_err();
        assert!(matches!(refused, Error::Irreversible { .. }), "{refused}");
        let message = refused.to_string();
        assert!(
            message.contains("surprise") && message.contains("notes"),
            "{message}"
        );
        assert!(message.contains("SqliteMode::Auto"), "{message}");
        let refused = system.close().await.unwrap_err();
        assert!(refused.to_string().contains("surprise"), "{refused}");
        Ok(())
    })
}

fn ignored_tables(bench: &mut Bench) -> std::result::Result<(), Failed> {
    bench.block_on(async |bench| {
        let mut app = bench.app();
        let ignoring = |table: &str| SqliteOptions {
            ignored_tables: vec![table.into()],
            ..SqliteOptions::default()
        };
        let wrong = SqliteAdapter::open_with(&bench.path, ignoring("note")).await?;
        let refused = begin(&wrong).await.unwrap_err().to_string();
        let expected = "the table `note` is to be ignored, but there is none; name it as reports do: there are notes, orders";
        assert!(refused.ends_with(expected), "{refused}");
        wrong.close().await?;

        let system = SqliteAdapter::open_with(&bench.path, ignoring("Notes")).await?;
        let root = begin(&system).await?;
        app.run("INSERT INTO notes VALUES('stays')");
        app.run("DELETE FROM orders WHERE id = 1");
        assert_eq!(lines(&system.changes().await?), ["orders#1 removed"]);
        system.restore(root).await?;
        assert_eq!(
            (
                app.run("SELECT * FROM orders"),
                app.run("SELECT * FROM notes")
            ),
            (2, 1)
        );
        assert!(system.about().gaps.iter().any(|gap| gap.contains("Notes")));
        system.close().await
    })
}
