//! From opening to closing.

use std::sync::Arc;

use libtest_mimic::Failed;
use venomqa_adapters::{SqliteAdapter, SqliteOptions, System};

use crate::app::look::Looker;
use crate::bench::{Bench, NOTHING, Test, begin, lines};

pub(crate) const TESTS: &[(&str, Test)] = &[
    (
        "a_server_may_make_the_database_after_it_was_opened",
        made_later,
    ),
    (
        "a_run_begins_once_and_tells_about_itself_to_the_end",
        begins_once,
    ),
    ("nothing_is_left_after_close", nothing_left),
    ("an_ignored_column_is_restored_but_not_told", ignored_column),
];

fn made_later(bench: &mut Bench) -> std::result::Result<(), Failed> {
    bench.block_on(async |bench| {
        let system = bench.open().await?;
        assert!(!bench.path.exists());
        let early = begin(&system).await.unwrap_err().to_string();
        assert!(
            early.contains("orders.db") && early.contains("no such file yet"),
            "{early}"
        );
        let mut app = bench.app();
        let root = begin(&system).await?;
        app.run("DELETE FROM orders");
        system.restore(root).await?;
        assert_eq!(app.run("SELECT * FROM orders"), 2);
        system.close().await
    })
}

fn begins_once(bench: &mut Bench) -> std::result::Result<(), Failed> {
    bench.block_on(async |bench| {
        let mut app = bench.app();
        app.run("CREATE VIRTUAL TABLE words USING fts5(line); SELECT 1");
        let system = bench.open().await?;
        begin(&system).await?;
        let about = system.about();
        assert!(about.name.contains("orders.db"), "{about:?}");
        assert!(
            about
                .name
                .to_lowercase()
                .contains(&bench.mode.to_lowercase()),
            "{about:?}"
        );
        assert!(
            about.mechanism.contains("`words` is a virtual table"),
            "{about:?}"
        );
        let twice = begin(&system).await.unwrap_err().to_string();
        assert!(twice.contains("has begun already"), "{twice}");
        system.close().await?;
        assert_eq!(system.about(), about);
        let closed = begin(&system).await.unwrap_err().to_string();
        assert!(closed.contains("was closed"), "{closed}");
        Ok(())
    })
}

fn nothing_left(bench: &mut Bench) -> std::result::Result<(), Failed> {
    bench.block_on(async |bench| {
        let mut app = bench.app();
        let looker = Looker::open(&bench.path);
        let (dump, mut files) = (looker.dump(), bench.files());
        let system = bench.open().await?;
        begin(&system).await?;
        assert!(!looker.ours().is_empty());
        app.run("DELETE FROM sqlite_sequence");
        app.run("INSERT INTO orders(status) VALUES('new')");
        app.run("PRAGMA user_version = 9");
        app.run("DROP TABLE notes; CREATE TABLE other(x)");
        system.seal().await?;
        app.run("INSERT INTO other VALUES(1)");
        system.close().await?;
        system.close().await?;
        assert_eq!(looker.dump(), dump);
        assert_eq!(looker.ours(), NOTHING);
        let mut left = bench.files();
        left.sort();
        files.sort();
        assert_eq!(left, files);
        assert_eq!(app.run("SELECT * FROM notes"), 0);
        Ok(())
    })
}

fn ignored_column(bench: &mut Bench) -> std::result::Result<(), Failed> {
    bench.block_on(async |bench| {
        let mut app = bench.app();
        let dump = Looker::open(&bench.path).dump();
        let ignoring = |column: &str| SqliteOptions {
            ignored_columns: vec![column.into()],
            ..SqliteOptions::default()
        };
        let wrong = SqliteAdapter::open_with(&bench.path, ignoring("orders.piad")).await?;
        let refused = begin(&wrong).await.unwrap_err().to_string();
        assert!(refused.contains("`orders.piad`"), "{refused}");
        wrong.close().await?;

        let system = SqliteAdapter::open_with(&bench.path, ignoring("orders.paid")).await?;
        let mut told = Vec::new();
        let mut visit = |table: &_, row: &_| told.push((Arc::clone(table), Arc::clone(row)));
        let root = system.begin(&mut visit).await?;
        let orders = root.tables.iter().find(|table| table.name == "orders");
        assert_eq!(orders.unwrap().columns, ["id", "status"]);
        let gap = "Ignored columns, which are restored: orders.paid.".to_owned();
        assert!(system.about().gaps.contains(&gap), "{:?}", system.about());
        assert!(
            told.iter()
                .all(|(table, row)| table.columns.len() == row.len())
        );

        app.run("UPDATE orders SET paid = paid + 1");
        assert_eq!(system.changes().await?, []);
        app.run("UPDATE orders SET status = 'sent', paid = 9 WHERE id = 1");
        assert_eq!(
            lines(&system.changes().await?),
            ["orders#1: status new -> sent"]
        );
        assert_eq!(system.seal().await?.untold, []);
        app.run("UPDATE orders SET paid = 10");
        assert_eq!(system.restore(root.checkpoint).await?, []);
        system.close().await?;
        assert_eq!(Looker::open(&bench.path).dump(), dump);
        Ok(())
    })
}
