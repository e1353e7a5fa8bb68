//! What an account lacks is named as what grants it.

use libtest_mimic::Failed;
use mysql_async::prelude::Queryable;
use venomqa_adapters::{Error, MySqlAdapter, MySqlMode, MySqlOptions, System};

use crate::app::dialect::Dialect;
use crate::bench::{Bench, NOTHING, Test, begin, lines};

type Outcome = std::result::Result<(), Failed>;

pub(crate) const TESTS: &[Test] = &[
    ("a_read_only_account_is_told_what_to_be_granted", read_only),
    (
        "without_the_right_to_follow_the_log_copies_are_taken",
        no_log_rights,
    ),
];

fn read_only(bench: &mut Bench) -> Outcome {
    bench.block_on(async |bench| {
        let mut app = bench.app().await;
        let mut root = bench.root().await;
        let grant = format!(
            "DROP USER IF EXISTS reader; CREATE USER reader; GRANT SELECT ON `{}`.* TO reader",
            bench.name
        );
        root.query_drop(grant).await.expect("an account");
        let url = bench.url_as("reader");
        let refused = MySqlAdapter::connect(&url)
            .await
            .expect_err("it may only read");
        let Error::Refused { why, remedy, .. } = &refused else {
            panic!("{refused:?}");
        };
        assert!(why.contains("'reader'@'%'"), "{why}");
        // It is enough to do what the message says.
        let grants = remedy
            .strip_prefix("run as an administrator: ")
            .expect("a statement");
        root.query_drop(grants)
            .await
            .unwrap_or_else(|error| panic!("{grants}: {error}"));
        let system = MySqlAdapter::connect(&url).await?;
        let checkpoint = begin(&system).await?;
        assert_eq!(system.about().mechanism, "binary log");
        app.run("INSERT INTO orders(status) VALUES('new')");
        app.run("DELETE FROM orders WHERE id = 2");
        assert_eq!(system.changes().await?.len(), 4);
        system.restore(checkpoint).await?;
        app.run("TRUNCATE notes");
        system.close().await?;
        assert_eq!(app.run("SELECT * FROM items"), 3);
        assert_eq!(bench.looker().await.ours().await, NOTHING);
        root.query_drop("DROP USER reader").await.expect("it goes");
        Ok(())
    })
}

fn no_log_rights(bench: &mut Bench) -> Outcome {
    bench.block_on(async |bench| {
        let mut app = bench.app().await;
        let mut root = bench.root().await;
        let name = &bench.name;
        let (least, log) = match bench.dialect {
            Dialect::MariaDb => ("BINLOG ADMIN, BINLOG REPLAY", "BINLOG MONITOR"),
            Dialect::MySql => (
                "REPLICATION_APPLIER, BINLOG_ADMIN, SYSTEM_VARIABLES_ADMIN",
                "REPLICATION CLIENT",
            ),
        };
        root.query_drop(format!(
            "DROP USER IF EXISTS writer; CREATE USER writer; GRANT {least} ON *.* TO writer; GRANT ALL ON `{name}`.* TO writer; GRANT ALL ON `_venomqa_{name}`.* TO writer"
        ))
        .await
        .expect("an account");
        let options = || MySqlOptions::from_url(&bench.url_as("writer"));
        let granted = format!("GRANT {log} ON *.* TO writer");
        for (grant, lacks) in [("SELECT 1", log), (&*granted, "REPLICATION SLAVE")] {
            root.query_drop(grant).await.expect("a right");
            let system = options()?.connect().await?;
            let checkpoint = begin(&system).await?;
            let mechanism = system.about().mechanism;
            assert_eq!(mechanism, format!("full copies, because this account lacks the right {lacks}"));
            app.run("UPDATE orders SET paid = 1 WHERE id = 1");
            assert_eq!(lines(&system.changes().await?), ["orders#1: paid 0 -> 1"]);
            system.restore(checkpoint).await?;
            system.close().await?;
            let asked = options()?.mode(MySqlMode::Binlog).connect().await?;
            let refused = begin(&asked).await.expect_err("it may not").to_string();
            assert!(refused.contains(lacks), "{refused}");
            asked.close().await?;
        }
        root.query_drop("DROP USER writer").await.expect("it goes");
        Ok(())
    })
}
