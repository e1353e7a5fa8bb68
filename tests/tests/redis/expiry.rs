//! Keys that go by themselves, and those that the clock would take.

use std::time::{Duration, Instant};

use libtest_mimic::Failed;
use redis::cmd;
use venomqa_adapters::{RedisMode, System};
use venomqa_tests::servers::Redis;

use crate::Test;
use crate::app::words;
use crate::bench::{Bench, begin, lines};
use crate::look::Looker;

pub(crate) const TESTS: &[(&str, Test)] = &[
    ("a_key_that_expires_by_itself_comes_back", expires),
    (
        "a_key_whose_time_is_up_is_gone_before_the_server_removes_it",
        lapsed,
    ),
    ("time_stands_still_between_the_steps", time_stands_still),
    (
        "a_deadline_that_is_set_again_is_put_back_though_not_told",
        deadline_again,
    ),
    ("many_keys_that_expire_keep_their_time", many_volatile),
];

fn expires(bench: &Bench<'_>) -> Result<(), Failed> {
    for mode in [RedisMode::Tracking, RedisMode::Dump] {
        let mut app = bench.app();
        bench.block_on(async |bench| {
            let system = bench.options().mode(mode).connect().await?;
            app.run("SET code 1234 PX 90000");
            let root = begin(&system).await?;
            app.run("PEXPIRE code 300");
            let limit = Instant::now() + Duration::from_secs(20);
            let removed = [format!("{}#code removed", bench.table())];
            while lines(&system.changes().await?) != removed {
                assert!(Instant::now() < limit, "it does not expire");
            }
            let gone = system.seal().await?.checkpoint;
            system.restore(root).await?;
            let left = bench.looker().times(bench.databases[0])["code"];
            assert!(
                (60_000..=90_000).contains(&left),
                "{mode:?}: {left} ms left"
            );
            system.restore(gone).await?;
            assert_eq!(app.run("EXISTS code"), "Some(int(0))");
            system.close().await?;
            // It is back, and then time goes on.
            let left = bench.looker().times(bench.databases[0]);
            assert!(left.contains_key("code"), "{mode:?}");
            app.run("FLUSHDB");
            Ok(())
        })?;
    }
    Ok(())
}

fn lapsed(_: &Bench<'_>) -> Result<(), Failed> {
    let server = Redis::own(&["--enable-debug-command", "yes"]);
    let bench = Bench::own(&server);
    let mut app = bench.app();
    bench.block_on(async |bench| {
        let mut looker = bench.looker();
        looker.ask::<()>(cmd("DEBUG").arg("SET-ACTIVE-EXPIRE").arg(0));
        app.run("SET code 1234 PX 90000");
        let system = bench.connect().await?;
        let root = begin(&system).await?;
        app.run("PEXPIRE code 300");
        system.changes().await?;
        let time = |looker: &mut Looker| -> i64 {
            let (seconds, microseconds): (i64, i64) = looker.ask(&mut cmd("TIME"));
            seconds * 1000 + microseconds / 1000
        };
        let later = time(&mut looker) + 301;
        while time(&mut looker) < later {}
        // Nobody has asked for it, so the server still has it.
        assert_eq!(lines(&system.changes().await?), ["db0#code removed"]);
        system.restore(root).await?;
        assert_eq!(app.run("GET code"), "Some(bulk-string('\"1234\"'))");
        system.close().await
    })
}

fn time_stands_still(bench: &Bench<'_>) -> Result<(), Failed> {
    let mut app = bench.app();
    bench.block_on(async |bench| {
        for (key, time) in [("a", "5000"), ("b", "60000"), ("c", "86400000")] {
            app.run(&format!("SET {key} v PX {time}"));
        }
        let mut looker = bench.looker();
        let database = bench.databases[0];
        let system = bench.connect().await?;
        let before = looker.times(database);
        let root = begin(&system).await?;
        let until = Instant::now() + Duration::from_millis(1500);
        while Instant::now() < until {
            app.run("APPEND a x");
            system.changes().await?;
            system.restore(root).await?;
            let now = looker.times(database);
            for (key, left) in &before {
                // Between the two looks a few round trips pass.
                assert!(
                    (left - now[key]).abs() < 500,
                    "{key}: {left} -> {}",
                    now[key]
                );
            }
        }
        // A key that is written without a new deadline keeps its time too.
        app.run("APPEND b x");
        let appended = system.seal().await?.checkpoint;
        system.restore(root).await?;
        system.restore(appended).await?;
        assert!((before["b"] - looker.times(database)["b"]).abs() < 500);
        system.close().await?;
        let after = looker.times(database);
        for (key, left) in &before {
            assert!(
                (left - after[key]).abs() < 500,
                "{key}: {left} -> {}",
                after[key]
            );
        }
        Ok(())
    })
}

fn deadline_again(bench: &Bench<'_>) -> Result<(), Failed> {
    let mut app = bench.app();
    bench.block_on(async |bench| {
        app.run("SET session token EX 3050");
        let system = bench.connect().await?;
        let root = begin(&system).await?;
        app.run("EXPIRE session 3550");
        assert_eq!(system.changes().await?, [], "both are within an hour");
        let longer = system.seal().await?.checkpoint;
        let time = || bench.looker().times(bench.databases[0])["session"] / 100_000;
        system.restore(root).await?;
        assert_eq!(time(), 30);
        system.restore(longer).await?;
        assert_eq!(time(), 35);
        app.run("PERSIST session");
        assert_eq!(
            lines(&system.changes().await?),
            [format!(
                "{}#session: expires within 1 h -> NULL",
                bench.table()
            )]
        );
        app.run("EXPIRE session 60");
        assert_eq!(
            lines(&system.changes().await?),
            [format!(
                "{}#session: expires within 1 h -> within 1 min",
                bench.table()
            )]
        );
        system.restore(root).await?;
        assert_eq!(time(), 30);
        system.close().await
    })
}

fn many_volatile(bench: &Bench<'_>) -> Result<(), Failed> {
    let mut app = bench.app();
    bench.block_on(async |bench| {
        let set: Vec<_> = (0..2000)
            .map(|i| words(&format!("SET session:{i} v PX {}", 20_000 + 100 * i)))
            .collect();
        app.attempt(0, &set).unwrap();
        let mut looker = bench.looker();
        let database = bench.databases[0];
        let system = bench.connect().await?;
        let before = looker.times(database);
        let root = begin(&system).await?;
        // One long step, then one way back.
        let until = Instant::now() + Duration::from_millis(2500);
        while Instant::now() < until {
            app.run("INCR stock");
            system.changes().await?;
        }
        system.restore(root).await?;
        let now = looker.times(database);
        for (key, left) in before.iter().filter(|(key, _)| key.starts_with("session")) {
            let tolerance = 1000.min(left / 64) + 900;
            assert!(
                (left - now[key]).abs() <= tolerance,
                "{key}: {left} -> {}",
                now[key]
            );
        }
        system.close().await?;
        let after = looker.times(database);
        for (key, left) in &before {
            assert!(
                (left - after[key]).abs() < 900,
                "{key}: {left} -> {}",
                after[key]
            );
        }
        Ok(())
    })
}
