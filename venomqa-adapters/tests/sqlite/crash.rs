//! What a run finds that another one left.

use std::path::Path;

use libtest_mimic::Failed;
use venomqa_adapters::{Error, Result, SqliteAdapter, SqliteMode, SqliteOptions, System};

use crate::app::App;
use crate::app::look::Looker;
use crate::bench::{Bench, NOTHING, Test, begin};

pub(crate) const TESTS: &[(&str, Test)] = &[
    (
        "a_run_that_ended_early_is_ended_by_the_next",
        ended_by_the_next,
    ),
    ("a_lost_way_back_is_named", lost_way_back),
    (
        "a_copy_is_not_put_over_a_database_that_does_not_know_it",
        lost_record,
    ),
    (
        "a_fresh_database_owes_nothing_to_an_old_run",
        fresh_database,
    ),
];

/// Opens, begins, changes something and lets the adapter go without closing it, as a panic does.
async fn abandon(bench: &Bench, app: &mut App, options: SqliteOptions) -> Result<()> {
    let system = SqliteAdapter::open_with(&bench.path, options).await?;
    begin(&system).await?;
    app.run("DELETE FROM orders WHERE id = 2");
    system.seal().await?;
    app.run("INSERT INTO orders(status) VALUES('later')");
    Ok(())
}

fn ended_by_the_next(bench: &mut Bench) -> std::result::Result<(), Failed> {
    bench.block_on(async |bench| {
        let mut app = bench.app();
        let looker = Looker::open(&bench.path);
        let dump = looker.dump();
        for mode in [SqliteMode::Auto, SqliteMode::Journal, SqliteMode::Backup] {
            abandon(
                bench,
                &mut app,
                SqliteOptions {
                    mode,
                    ..SqliteOptions::default()
                },
            )
            .await?;
            assert_ne!(looker.dump(), dump);
            let next = bench.open().await?;
            assert_eq!(looker.dump(), dump, "{mode:?}");
            assert_eq!(looker.ours(), NOTHING);
            next.close().await?;
            assert_eq!(bench.files_of_ours(), NOTHING);

            let options = SqliteOptions {
                mode,
                ..SqliteOptions::default()
            };
            abandon(bench, &mut app, options).await?;
            SqliteAdapter::cleanup(&bench.path).await?;
            assert_eq!(looker.dump(), dump, "{mode:?}");
            assert_eq!(looker.ours(), NOTHING);
            assert_eq!(bench.files_of_ours(), NOTHING);
        }
        Ok(())
    })
}

fn lost_way_back(bench: &mut Bench) -> std::result::Result<(), Failed> {
    bench.block_on(async |bench| {
        let mut app = bench.app();
        let options = SqliteOptions {
            mode: SqliteMode::Backup,
            ..SqliteOptions::default()
        };
        abandon(bench, &mut app, options).await?;
        let copy = bench.folder.path().join("orders.db.venomqa-root");
        std::fs::remove_file(&copy).unwrap();
        let before = Looker::open(&bench.path).dump();
        let refused = bench.open().await.unwrap_err();
        assert!(matches!(refused, Error::NotRestored { .. }), "{refused}");
        assert!(
            refused.to_string().contains("make the database anew"),
            "{refused}"
        );
        assert_eq!(Looker::open(&bench.path).dump(), before);
        Ok(())
    })
}

fn lost_record(bench: &mut Bench) -> std::result::Result<(), Failed> {
    bench.block_on(async |bench| {
        let mut app = bench.app();
        abandon(bench, &mut app, SqliteOptions::default()).await?;
        app.run("DROP TABLE _venomqa_run; SELECT 1");
        let before = Looker::open(&bench.path).dump();
        let refused = bench.open().await.unwrap_err().to_string();
        assert!(refused.contains("orders.db.venomqa-root"), "{refused}");
        assert_eq!(Looker::open(&bench.path).dump(), before);
        assert!(
            bench
                .files_of_ours()
                .contains(&"orders.db.venomqa-root".to_owned())
        );
        Ok(())
    })
}

fn fresh_database(bench: &mut Bench) -> std::result::Result<(), Failed> {
    bench.block_on(async |bench| {
        abandon(bench, &mut bench.app(), SqliteOptions::default()).await?;
        remove_database(&bench.path);
        let system = bench.open().await?;
        let mut app = bench.app();
        begin(&system).await?;
        system.close().await?;
        assert_eq!(app.run("SELECT * FROM orders"), 2);
        assert_eq!(bench.files_of_ours(), NOTHING);
        Ok(())
    })
}

fn remove_database(path: &Path) {
    for end in ["", "-wal", "-shm", "-journal"] {
        let _ = std::fs::remove_file(format!("{}{end}", path.display()));
    }
}
