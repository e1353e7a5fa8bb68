//! What is followed and not told.

use libtest_mimic::Failed;
use venomqa_adapters::{RedisMode, System};

use crate::Test;
use crate::bench::{Bench, begin, lines};

pub(crate) const TESTS: &[(&str, Test)] = &[
    ("keys_can_be_ignored", ignored_keys),
    ("fields_can_be_ignored", ignored_fields),
    ("columns_can_be_ignored", ignored_columns),
];

fn ignored_keys(bench: &Bench<'_>) -> Result<(), Failed> {
    for mode in [RedisMode::Tracking, RedisMode::Dump] {
        let mut app = bench.app();
        bench.block_on(async |bench| {
            app.run("SET metrics:calls 1");
            let options = bench
                .options()
                .mode(mode)
                .ignore_keys("metrics:*")
                .ignore_keys("*:lock");
            let system = options.connect().await?;
            let mut rows = 0;
            let root = system.begin(&mut |_, _| rows += 1).await?.checkpoint;
            assert_eq!(rows, 2);
            app.run("INCR metrics:calls");
            app.run("SET order:1:lock me");
            app.run("INCR stock");
            assert_eq!(
                lines(&system.changes().await?),
                [format!("{}#stock: value 5 -> 6", bench.table())]
            );
            system.restore(root).await?;
            let gaps = system.about().gaps;
            assert!(
                gaps.iter().any(|gap| gap.contains("metrics:*, *:lock")),
                "{gaps:?}"
            );
            // Also a run that ends this one leaves them alone.
            app.run("INCR stock");
            drop(system);
            bench.options().cleanup().await?;
            assert_eq!(app.run("GET stock"), "Some(bulk-string('\"5\"'))");
            assert_eq!(app.run("GET metrics:calls"), "Some(bulk-string('\"2\"'))");
            assert_eq!(
                app.run("GETDEL order:1:lock"),
                "Some(bulk-string('\"me\"'))"
            );
            Ok(())
        })?;
    }
    Ok(())
}

fn ignored_fields(bench: &Bench<'_>) -> Result<(), Failed> {
    let mut app = bench.app();
    bench.block_on(async |bench| {
        let system = bench.options().ignore_field("order:*", "at").connect().await?;
        let root = begin(&system).await?;
        app.run("HSET order:1 at 12:00");
        assert_eq!(system.changes().await?, []);
        system.restore(root).await?;
        assert_eq!(app.run("HEXISTS order:1 at"), "Some(int(0))");
        app.run("HSET order:1 at 12:01 paid 1");
        assert_eq!(
            lines(&system.changes().await?),
            [format!(
                "{}#order:1: value {{\"paid\": \"0\", \"status\": \"new\"}} -> {{\"paid\": \"1\", \"status\": \"new\"}}",
                bench.table()
            )]
        );
        system.close().await
    })
}

fn ignored_columns(bench: &Bench<'_>) -> Result<(), Failed> {
    let mut app = bench.app();
    bench.block_on(async |bench| {
        let db = bench.table();
        let options = bench.options().ignore_column(format!("{db}.expires"));
        let system = options.connect().await?;
        let root = system.begin(&mut |_, _| {}).await?;
        assert_eq!(root.tables[0].columns, ["key", "type", "value"]);
        app.run("EXPIRE stock 60");
        assert_eq!(system.changes().await?, []);
        system.restore(root.checkpoint).await?;
        assert_eq!(app.run("TTL stock"), "Some(int(-1))");
        app.run("SET session token EX 60");
        assert_eq!(
            lines(&system.changes().await?),
            [format!("{db}#session added: type string, value token")]
        );
        let gaps = system.about().gaps;
        assert!(
            gaps.iter()
                .any(|gap| gap.contains(&format!("{db}.expires"))),
            "{gaps:?}"
        );
        system.close().await?;

        let wrong = bench
            .options()
            .ignore_column("db99.expires")
            .connect()
            .await?;
        let refused = begin(&wrong).await.unwrap_err().to_string();
        assert!(refused.contains("db99.expires"), "{refused}");
        wrong.close().await
    })
}
