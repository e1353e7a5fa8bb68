//! The kit, on a database that a hostile application writes to.

use libtest_mimic::{Failed, Trial};
use venomqa_adapters::conformance::Conformance;
use venomqa_adapters::{SqliteAdapter, SqliteMode, SqliteOptions};

use crate::app::hostile::Hostile;
use crate::bench::{Bench, NOTHING};

pub(crate) fn trials() -> Vec<Trial> {
    let mut trials = Vec::new();
    for (mode, more, rare, how) in [
        ("WAL", NOTHING, NOTHING, SqliteMode::Journal),
        ("DELETE", NOTHING, NOTHING, SqliteMode::Journal),
        ("WAL", NOTHING, SCHEMA_CHANGES, SqliteMode::Auto),
        ("DELETE", NOTHING, SCHEMA_CHANGES, SqliteMode::Auto),
        ("WAL", FULL_TEXT, NOTHING, SqliteMode::Auto),
        ("DELETE", FULL_TEXT, SCHEMA_CHANGES, SqliteMode::Backup),
    ] {
        let virtual_tables = if more.is_empty() {
            ""
        } else {
            "_with_virtual_tables"
        };
        let changing = if rare.is_empty() {
            ""
        } else {
            "_with_a_changing_schema"
        };
        let name = format!("conformance_{mode}_{how:?}{virtual_tables}{changing}");
        trials.push(Trial::test(name, move || {
            conformance(mode, more, rare, how)
        }));
    }
    trials
}

const FULL_TEXT: &[&str] = &[
    "CREATE VIRTUAL TABLE words USING fts5(line)",
    "CREATE TRIGGER index_log AFTER INSERT ON log BEGIN INSERT INTO words(line) VALUES(NEW.line); END",
];

const SCHEMA_CHANGES: &[&str] = &[
    "CREATE TABLE late(id INTEGER PRIMARY KEY, n); INSERT INTO late(n) VALUES(1), (2)",
    "DROP TABLE log",
    "ALTER TABLE bare ADD COLUMN added DEFAULT 'new'",
    "DROP INDEX by_x",
    "CREATE UNIQUE INDEX late_index ON keyed(v, k)",
    "ALTER TABLE keyed RENAME TO renamed",
    "VACUUM",
];

fn conformance(
    mode: &'static str,
    more: &'static [&str],
    rare: &'static [&str],
    how: SqliteMode,
) -> std::result::Result<(), Failed> {
    let mut bench = Bench::new(mode);
    let mut workload = Hostile::start(&bench.path, mode, more);
    workload.rare = rare;
    let options = SqliteOptions {
        mode: how,
        ..SqliteOptions::default()
    };
    bench.block_on(async |bench| {
        let system = SqliteAdapter::open_with(&bench.path, options).await?;
        let kit = Conformance {
            steps: 200,
            seed: 4,
            ..Conformance::default()
        };
        let walk = kit.check(&system, &mut workload).await;
        assert!(walk.jumps > 150 && walk.changes > 150, "{walk:?}");
        assert_eq!(workload.looker.damage(), NOTHING);
        Ok(())
    })
}
