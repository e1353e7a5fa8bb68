//! From connecting to closing, and what is refused.

use libtest_mimic::Failed;
use mysql_async::prelude::Queryable;
use venomqa_adapters::{Error, MySqlAdapter, MySqlMode, MySqlOptions, System};

use crate::app::dialect::Dialect;
use crate::bench::{Bench, NOTHING, Test, begin};

type Outcome = std::result::Result<(), Failed>;

pub(crate) const TESTS: &[Test] = &[
    (
        "a_run_begins_once_and_tells_about_itself_to_the_end",
        begins_once,
    ),
    ("connections_go_where_the_url_says", over_tcp),
    ("nothing_is_left_after_close", nothing_left),
    (
        "a_database_that_may_not_be_touched_is_refused",
        refused_at_once,
    ),
    (
        "what_cannot_be_followed_is_named_before_it_starts",
        refused_at_begin,
    ),
    ("names_of_any_kind_are_names", names),
];

fn begins_once(bench: &mut Bench) -> Outcome {
    bench.block_on(async |bench| {
        let _app = bench.app().await;
        let system = bench.connect().await?;
        let early = system
            .changes()
            .await
            .expect_err("no run has begun")
            .to_string();
        assert!(early.contains("no run has begun"), "{early}");
        begin(&system).await?;
        let about = system.about();
        assert!(
            about.name.contains(match bench.dialect {
                Dialect::MariaDb => "MariaDB",
                Dialect::MySql => "MySQL",
            }) && about.name.contains(&bench.name),
            "{about:?}"
        );
        assert!(
            about.gaps.iter().any(|gap| gap.contains("`items`")),
            "{about:?}"
        );
        assert!(
            about
                .gaps
                .iter()
                .any(|gap| gap.contains("without a key") && gap.contains("`notes`")),
            "{about:?}"
        );
        let twice = begin(&system).await.expect_err("it has begun").to_string();
        assert!(twice.contains("has begun already"), "{twice}");
        let lent = system
            .connection()
            .await
            .expect_err("it shares none")
            .to_string();
        assert!(lent.contains("MySqlMode::Savepoint"), "{lent}");
        system.close().await?;
        assert_eq!(system.about(), about);
        let closed = begin(&system).await.expect_err("it is closed").to_string();
        assert!(closed.contains("was closed"), "{closed}");
        Ok(())
    })
}

fn over_tcp(bench: &mut Bench) -> Outcome {
    bench.block_on(async |bench| {
        bench.make().await;
        let system = bench.connect().await?;
        begin(&system).await?;
        system.query("SELECT 1", ()).await?;
        let sql = "SELECT host FROM information_schema.processlist WHERE db = ?";
        let hosts: Vec<String> = bench
            .root()
            .await
            .exec(sql, (&bench.name,))
            .await
            .expect("connections");
        // Over a socket there is no port.
        assert!(
            hosts.len() == 3 && hosts.iter().all(|host| host.contains(':')),
            "{hosts:?}"
        );
        system.close().await
    })
}

fn nothing_left(bench: &mut Bench) -> Outcome {
    bench.block_on(async |bench| {
        let mut app = bench.app().await;
        let mut looker = bench.looker().await;
        let before = looker.dump().await;
        let system = bench.connect().await?;
        begin(&system).await?;
        assert!(!looker.ours().await.is_empty());
        app.run("INSERT INTO orders(status) VALUES('new')");
        system.seal().await?;
        app.run("TRUNCATE notes");
        app.run("DELETE FROM orders WHERE id = 2");
        system.close().await?;
        system.close().await?;
        assert_eq!(looker.dump().await, before);
        assert_eq!(looker.ours().await, NOTHING);
        // The application's prepared statements go on.
        assert_eq!(app.run("SELECT * FROM orders"), 2);
        Ok(())
    })
}

fn refused_at_once(bench: &mut Bench) -> Outcome {
    bench.block_on(async |bench| {
        let refused = async |url: String| {
            MySqlAdapter::connect(&url)
                .await
                .expect_err("it is refused")
        };
        let error = refused(bench.url_of("shop_production")).await;
        assert!(
            matches!(error, Error::Refused { .. })
                && error.to_string().contains("looks like production"),
            "{error}"
        );
        let error = refused("mysql://root:s3cret@db.example.com/shop".into())
            .await
            .to_string();
        assert!(
            error.contains("db.example.com is not this machine") && error.contains("allow_remote"),
            "{error}"
        );
        assert!(!error.contains("s3cret"), "{error}");
        let elsewhere = MySqlOptions::from_url("mysql://root@prod2.example.com/shop")?;
        let allowed = elsewhere.allow_remote().connect().await;
        let error = allowed.expect_err("its name tells").to_string();
        assert!(error.contains("looks like production"), "{error}");
        let error = refused(bench.url_of("")).await.to_string();
        assert!(error.contains("no database is named"), "{error}");
        let error = refused(bench.url_of("mysql")).await.to_string();
        assert!(error.contains("the server's own"), "{error}");
        let error = refused(bench.url_of("not_there_at_all")).await.to_string();
        assert!(
            error.contains("failed to connect") && error.contains("Unknown database"),
            "{error}"
        );
        let nobody = MySqlOptions::new()
            .host("127.0.0.1")
            .port(1)
            .user("root")
            .database("shop");
        let error = nobody
            .connect()
            .await
            .expect_err("nobody listens")
            .to_string();
        assert!(error.contains("failed to connect"), "{error}");
        Ok(())
    })
}

fn refused_at_begin(bench: &mut Bench) -> Outcome {
    bench.block_on(async |bench| {
        let mut app = bench.app().await;
        let check =
            async |make: &str, remove: &str, expected: &[&str]| -> venomqa_adapters::Result<()> {
                let mut root = bench.root().await;
                root.query_drop(format!("USE `{}`; {make}", bench.name))
                    .await
                    .expect("a table");
                let system = bench.connect().await?;
                let refused = begin(&system)
                    .await
                    .expect_err("it cannot be followed")
                    .to_string();
                assert!(
                    expected.iter().all(|part| refused.contains(part)),
                    "{refused}"
                );
                system.close().await?;
                root.query_drop(remove).await.expect("it goes");
                Ok(())
            };
        check(
            "CREATE TABLE odd(id INT) ENGINE = MyISAM",
            "DROP TABLE odd",
            &["`odd` is kept by MyISAM", "InnoDB"],
        )
        .await?;
        check(
            "CREATE TABLE odd(id INT PRIMARY KEY, FTS_DOC_ID BIGINT UNSIGNED NOT NULL)",
            "DROP TABLE odd",
            &["`odd` has a column `FTS_DOC_ID`"],
        )
        .await?;
        if bench.dialect == Dialect::MySql {
            return check(
                "CREATE TABLE odd(id INT, doc JSON)",
                "DROP TABLE odd",
                &[
                    "`odd` has a `JSON` column (`doc`) but no key",
                    "ADD PRIMARY KEY",
                ],
            )
            .await;
        }
        check(
            "CREATE TABLE odd(t TEXT NOT NULL, UNIQUE(t))",
            "DROP TABLE odd",
            &[
                "`odd` has a unique index over long columns",
                "ADD PRIMARY KEY",
            ],
        )
        .await?;
        check(
            "CREATE SEQUENCE tickets",
            "DROP SEQUENCE tickets",
            &["`tickets` is a sequence", "ignore_table"],
        )
        .await?;
        check(
            "CREATE TABLE odd(b BLOB COMPRESSED)",
            "DROP TABLE odd",
            &["`odd`.`b`", "COMPRESSED"],
        )
        .await?;
        check(
            "CREATE TABLE odd(id INT) WITH SYSTEM VERSIONING",
            "DROP TABLE odd",
            &["`odd` keeps its own history"],
        )
        .await?;
        check(
            "CREATE TABLE odd(id INT) ENGINE = Aria",
            "DROP TABLE odd",
            &["`odd` is kept by Aria", "InnoDB"],
        )
        .await?;
        let system = bench
            .options()
            .ignore_column("orders.paidd")
            .connect()
            .await?;
        let refused = begin(&system).await.expect_err("there is none").to_string();
        assert!(
            refused.contains("`orders.paidd` is to be ignored, but there is none"),
            "{refused}"
        );
        system.close().await?;
        let system = bench.options().ignore_table("noets").connect().await?;
        let refused = begin(&system).await.expect_err("there is none").to_string();
        assert!(
            refused.contains("`noets` is to be ignored, but there is none"),
            "{refused}"
        );
        system.close().await?;
        assert_eq!(app.run("SELECT * FROM orders"), 2);
        assert_eq!(bench.looker().await.ours().await, NOTHING);
        Ok(())
    })
}

fn names(bench: &mut Bench) -> Outcome {
    bench.block_on(async |bench| {
        let long = "x".repeat(60);
        // One differs from another in case only, which has what this one has not.
        let twin = "DROP DATABASE IF EXISTS upper_lower; CREATE DATABASE upper_lower; USE upper_lower; CREATE TABLE t(a INT); \
                    CREATE TRIGGER changed BEFORE INSERT ON t FOR EACH ROW SET NEW.a = 1; \
                    CREATE EVENT daily ON SCHEDULE EVERY 1 DAY DO SELECT 1";
        bench.root().await.query_drop(twin).await.expect("a database");
        for name in ["odd`; [name]' é", "UPPER_lower", &long, "50%_off"] {
            let mut root = bench.root().await;
            let quoted = format!("`{}`", name.replace('`', "``"));
            root.query_drop(format!(
                "CREATE DATABASE {quoted}; USE {quoted}; CREATE TABLE `t ' ``1`(`a'b` INT AUTO_INCREMENT PRIMARY KEY, `c``d` VARCHAR(9)); INSERT INTO `t ' ``1`(`c``d`) VALUES('one')"
            ))
            .await
            .expect("a database");
            for mode in [MySqlMode::Binlog, MySqlMode::Copy] {
                let options = bench.options().database(name).mode(mode);
                let system = options.connect().await?;
                let checkpoint = begin(&system).await?;
                system.execute("INSERT INTO `t ' ``1`(`c``d`) VALUES('two')", ()).await?;
                assert_eq!(system.changes().await?.len(), 1);
                system.restore(checkpoint).await?;
                system.execute("DELETE FROM `t ' ``1`", ()).await?;
                system.close().await?;
            }
            let left: Vec<String> = root.query(format!("SELECT `c``d` FROM {quoted}.`t ' ``1`")).await.expect("rows");
            assert_eq!(left, ["one"]);
            root.query_drop(format!("DROP DATABASE {quoted}")).await.expect("it goes");
        }
        bench.root().await.query_drop("DROP DATABASE upper_lower").await.expect("it goes");
        let left: Vec<String> = bench.root().await.query("SHOW DATABASES LIKE '\\\\_venomqa\\\\_%odd%'").await.expect("names");
        assert_eq!(left, NOTHING);
        Ok(())
    })
}
