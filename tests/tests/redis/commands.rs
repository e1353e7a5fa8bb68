//! Commands of the user.

use libtest_mimic::Failed;
use venomqa_adapters::{Error, System};

use crate::Test;
use crate::bench::{Bench, begin, lines};

pub(crate) const TESTS: &[(&str, Test)] = &[
    ("the_user_has_a_connection_too", user_commands),
    ("commands_that_lead_elsewhere_are_not_run", refused_commands),
];

fn user_commands(bench: &Bench<'_>) -> Result<(), Failed> {
    let mut app = bench.app();
    bench.block_on(async |bench| {
        let [here, there] = bench.databases;
        let system = bench.options().databases([here, there]).connect().await?;
        assert_eq!(system.get::<i64>("stock").await?, Some(5));
        assert_eq!(system.get::<String>("nothing").await?, None);
        let root = begin(&system).await?;
        system.set("stock", 4).await?;
        system.command_in::<()>(there, ("SET", "stock", "there")).await?;
        assert_eq!(system.command::<i64>(&["HSET", "order:1", "note", "x"]).await?, 1);
        let order: std::collections::HashMap<String, String> = system.command(("HGETALL", "order:1")).await?;
        assert_eq!(order["note"], "x");
        assert_eq!(
            lines(&system.changes().await?),
            [
                format!(
                    "db{here}#order:1: value {{\"paid\": \"0\", \"status\": \"new\"}} -> {{\"note\": \"x\", \"paid\": \"0\", \"status\": \"new\"}}"
                ),
                format!("db{here}#stock: value 5 -> 4"),
                format!("db{there}#stock added: type string, value there, expires NULL"),
            ]
        );
        system.flush().await?;
        assert_eq!((app.run("DBSIZE"), app.run_on(1, "DBSIZE")), ("Some(int(0))".into(), "Some(int(0))".into()));
        system.restore(root).await?;
        assert_eq!(app.run("GET stock"), "Some(bulk-string('\"5\"'))");
        let wrong = system.get::<i64>("order:1").await.unwrap_err().to_string();
        assert!(wrong.contains("run `GET`") && wrong.contains("wrong kind of value"), "{wrong}");
        system.close().await
    })
}

fn refused_commands(bench: &Bench<'_>) -> Result<(), Failed> {
    let _app = bench.app();
    bench.block_on(async |bench| {
        let system = bench.connect().await?;
        let [here, there] = bench.databases;
        for command in [
            "SELECT 9",
            "flushall",
            "SWAPDB 0 1",
            "MULTI",
            "SUBSCRIBE news",
            "MIGRATE 127.0.0.1 7000 stock 0 1",
            "config resetstat",
            "SHUTDOWN NOSAVE",
            "REPLICAOF 127.0.0.1 7000",
            &format!("move stock {there}"),
            &format!("COPY stock other REPLACE db {there}"),
        ] {
            let words: Vec<_> = command.split(' ').collect();
            let refused = system
                .command::<redis::Value>(words.as_slice())
                .await
                .unwrap_err();
            assert!(
                matches!(refused, Error::Refused { .. }),
                "{command}: {refused}"
            );
        }
        let refused = system.command_in::<()>(there, &["PING"]).await.unwrap_err();
        assert!(
            refused.to_string().contains("does not take part"),
            "{refused}"
        );
        assert_eq!(system.get::<i64>("stock").await?, Some(5));
        system.command::<()>(("COPY", "stock", "other")).await?;
        system.close().await?;

        let system = bench.options().databases([here, there]).connect().await?;
        let root = begin(&system).await?;
        system.command::<()>(("MOVE", "stock", there)).await?;
        assert_eq!(
            lines(&system.changes().await?),
            [
                format!("db{here}#stock removed"),
                format!("db{there}#stock added: type string, value 5, expires NULL"),
            ]
        );
        system.restore(root).await?;
        system.close().await
    })
}
