//! What is seen, told and put back.

use std::task::Poll;
use std::time::{Duration, Instant};

use libtest_mimic::Failed;
use redis::cmd;
use venomqa_adapters::{Error, RedisMode, System};
use venomqa_tests::servers::Redis;

use crate::Test;
use crate::app::words;
use crate::bench::{Bench, begin, lines};
use crate::look::Looker;

pub(crate) const TESTS: &[(&str, Test)] = &[
    (
        "keys_of_all_types_are_told_as_a_person_reads_them",
        all_types,
    ),
    ("what_is_kept_in_another_form_is_not_told", another_form),
    ("consumers_of_streams_are_followed", consumers),
    (
        "a_write_in_the_same_moment_as_our_own_is_heard",
        same_moment,
    ),
    ("an_emptied_database_is_filled_again", emptied),
    ("databases_that_change_places_are_noticed", swapped),
    ("a_step_that_is_given_up_half_way_is_made_good", given_up),
    ("other_databases_are_never_touched", others_untouched),
    (
        "a_run_begins_once_and_tells_about_itself_to_the_end",
        begins_once,
    ),
];

fn all_types(bench: &Bench<'_>) -> Result<(), Failed> {
    let mut app = bench.app();
    let db = bench.table();
    bench.block_on(async |bench| {
        let system = bench.connect().await?;
        let mut rows = Vec::new();
        let root = system.begin(&mut |table, row| rows.push(format!("{} {row:?}", table.name))).await?;
        assert_eq!(root.tables.len(), 1);
        assert_eq!(rows.len(), 2, "{rows:?}");
        assert!(rows[0].starts_with(&format!("{db} [Text(\"order:1\"), Text(\"hash\")")), "{rows:?}");
        for line in [
            "DECR stock",
            "HSET order:1 status paid",
            "RPUSH queue a b",
            "SADD tags red blue",
            "ZADD scores 1.5 ann 2 bob",
            "XADD log 1-1 event paid",
            "SET session:1 token EX 3600",
        ] {
            app.run(line);
        }
        app.attempt(0, &[vec![b"SET".to_vec(), b"raw\xff".to_vec(), b"\x00\xff".to_vec()]]).unwrap();
        assert_eq!(
            lines(&system.changes().await?),
            [
                "#log added: type stream, value [1-1 {\"event\": \"paid\"}], last 1-1, added 1, deleted up to 0-0, expires NULL",
                "#order:1: value {\"paid\": \"0\", \"status\": \"new\"} -> {\"paid\": \"0\", \"status\": \"paid\"}",
                "#queue added: type list, value [\"a\", \"b\"], expires NULL",
                "#0x726177ff added: type string, value 0x00ff, expires NULL",
                "#scores added: type zset, value {\"ann\": 1.5, \"bob\": 2}, expires NULL",
                "#session:1 added: type string, value token, expires within 1 h",
                "#stock: value 5 -> 4",
                "#tags added: type set, value {\"blue\", \"red\"}, expires NULL",
            ]
            .map(|line| format!("{db}{line}"))
        );
        system.restore(root.checkpoint).await?;
        assert_eq!(system.changes().await?, []);
        assert_eq!(app.run("DBSIZE"), "Some(int(2))");
        app.run("DEL order:1");
        app.run("SADD order:1 1");
        assert_eq!(
            lines(&system.changes().await?),
            [format!("{db}#order:1: type hash -> set, value {{\"paid\": \"0\", \"status\": \"new\"}} -> {{\"1\"}}")]
        );
        system.close().await
    })
}

fn another_form(bench: &Bench<'_>) -> Result<(), Failed> {
    let mut app = bench.app();
    bench.block_on(async |bench| {
        app.run("SADD tags a b c 1");
        app.run("HSET big a 1 b 2");
        app.run("PFADD seen ann bob");
        let system = bench.connect().await?;
        begin(&system).await?;
        // Another order, a form for large hashes, and a count that is remembered.
        app.run("DEL tags");
        app.run("SADD tags 1 c b a");
        let long = "x".repeat(100);
        app.run(&format!("HSET big c {long}"));
        app.run("HDEL big c");
        app.run("PFCOUNT seen");
        assert_eq!(system.changes().await?, []);
        system.close().await
    })
}

fn consumers(bench: &Bench<'_>) -> Result<(), Failed> {
    let mut app = bench.app();
    bench.block_on(async |bench| {
        app.run("XADD jobs 1-1 n 1");
        app.run("XADD jobs 2-1 n 2");
        let system = bench.connect().await?;
        begin(&system).await?;
        // The server announces none of these.
        let steps = [
            (
                "XGROUP CREATE jobs g 0",
                "group \"g\" at 0-0 of {} pending []",
            ),
            (
                "XREADGROUP GROUP g ann COUNT 1 STREAMS jobs >",
                "pending [1-1 of \"ann\" (1 deliveries)]",
            ),
            (
                "XCLAIM jobs g bob 0 1-1",
                "pending [1-1 of \"bob\" (2 deliveries)]",
            ),
            (
                "XAUTOCLAIM jobs g cid 0 0",
                "pending [1-1 of \"cid\" (3 deliveries)]",
            ),
            ("XACK jobs g 1-1", "pending []"),
            ("XGROUP DELCONSUMER jobs g ann", "of {\"bob\", \"cid\"}"),
            ("XGROUP SETID jobs g $", "at 2-1"),
            ("XSETID jobs 9-1", "last 9-1"),
        ];
        let mut checkpoints = Vec::new();
        for (line, told) in steps {
            app.run(line);
            let changes = lines(&system.seal().await?.untold);
            assert!(
                changes.len() == 1 && changes[0].split(" -> ").last().unwrap().contains(told),
                "{line}: {changes:?}"
            );
            checkpoints.push(system.seal().await?.checkpoint);
        }
        let mut looker = bench.looker();
        system.restore(checkpoints[1]).await?;
        let pending: redis::Value = looker.ask(cmd("XPENDING").arg("jobs").arg("g"));
        assert!(format!("{pending:?}").contains("ann"), "{pending:?}");
        system.close().await
    })
}

fn same_moment(_: &Bench<'_>) -> Result<(), Failed> {
    /// Waits until the server holds back so many writes.
    fn until_held_back(looker: &mut Looker, writes: &str) {
        let limit = Instant::now() + Duration::from_secs(20);
        let told = format!("blocked_clients:{writes}\r");
        while !looker
            .ask::<String>(cmd("INFO").arg("clients"))
            .contains(&told)
        {
            assert!(Instant::now() < limit, "no {writes} writes");
        }
    }

    let server = Redis::own(&[]);
    let bench = Bench::own(&server);
    let mut app = bench.app();
    bench.block_on(async |bench| {
        app.run("SET session token EX 3000");
        let mut looker = bench.looker();
        let system = bench.connect().await?;
        let root = begin(&system).await?;
        // What a paused server holds back it executes in one turn, in the order of arrival.
        looker.ask::<()>(cmd("CLIENT").arg("PAUSE").arg(60_000).arg("WRITE"));
        app.send(0, &[words("APPEND session ized")]);
        until_held_back(&mut looker, "1");
        let release = std::thread::spawn(move || {
            until_held_back(&mut looker, "2");
            looker.ask::<()>(cmd("CLIENT").arg("UNPAUSE"));
        });
        // It sets right the time that the session has left, right after that write.
        system.restore(root).await?;
        release.join().unwrap();
        app.outcome().unwrap();
        assert_eq!(
            lines(&system.changes().await?),
            ["db0#session: value token -> tokenized"]
        );
        system.close().await
    })
}

fn emptied(_: &Bench<'_>) -> Result<(), Failed> {
    for mode in [RedisMode::Tracking, RedisMode::Dump] {
        let server = Redis::own(&[]);
        let bench = Bench::own(&server);
        let mut app = bench.app();
        bench.block_on(async |bench| {
            let mut looker = bench.looker();
            let dump = looker.dump();
            let system = bench.options().mode(mode).connect().await?;
            let root = begin(&system).await?;
            let db = bench.table();
            for line in ["FLUSHDB", "FLUSHALL ASYNC", "FLUSHALL"] {
                app.run(line);
                assert_eq!(
                    lines(&system.changes().await?),
                    [
                        format!("{db}#order:1 removed"),
                        format!("{db}#stock removed")
                    ]
                );
                system.restore(root).await?;
                assert_eq!(looker.dump(), dump, "{line}");
            }
            system.close().await
        })?;
    }
    Ok(())
}

fn swapped(bench: &Bench<'_>) -> Result<(), Failed> {
    let mut app = bench.app();
    bench.block_on(async |bench| {
        app.run_on(1, "SET elsewhere 1");
        let mut looker = bench.looker();
        let dump = looker.dump();
        let [here, there] = bench.databases;
        let system = bench.options().databases([here, there]).connect().await?;
        let root = begin(&system).await?;
        app.run(&format!("SWAPDB {here} {there}"));
        assert_eq!(
            lines(&system.changes().await?),
            [
                format!("db{here}#elsewhere added: type string, value 1, expires NULL"),
                format!("db{here}#order:1 removed"),
                format!("db{here}#stock removed"),
                format!("db{there}#elsewhere removed"),
                format!("db{there}#order:1 added: type hash, value {{\"paid\": \"0\", \"status\": \"new\"}}, expires NULL"),
                format!("db{there}#stock added: type string, value 5, expires NULL"),
            ]
        );
        system.restore(root).await?;
        assert_eq!(looker.dump(), dump);
        system.close().await?;
        assert_eq!(looker.dump(), dump);

        // Only one of the two was given: what the other holds is left to whoever swapped them.
        let system = bench.connect().await?;
        begin(&system).await?;
        app.run(&format!("SWAPDB {here} {there}"));
        system.close().await?;
        assert_eq!(app.run("GET stock"), "Some(bulk-string('\"5\"'))");
        assert_eq!(app.run_on(1, "GET stock"), "Some(bulk-string('\"5\"'))");
        Ok(())
    })
}

fn given_up(bench: &Bench<'_>) -> Result<(), Failed> {
    /// Polls a step a few times, and drops it then.
    async fn begin_and_drop(step: impl Future, polls: usize) {
        let mut step = std::pin::pin!(step);
        for _ in 0..polls {
            if std::future::poll_fn(|context| Poll::Ready(step.as_mut().poll(context)))
                .await
                .is_ready()
            {
                return;
            }
            // Lets the connection do its work.
            tokio::task::yield_now().await;
        }
    }

    let mut app = bench.app();
    bench.block_on(async |bench| {
        let mut looker = bench.looker();
        let root_dump = looker.dump();
        let system = bench.connect().await?;
        let root = begin(&system).await?;
        app.run("SADD tags red");
        let other = system.seal().await?.checkpoint;
        let other_dump = looker.dump();
        for polls in 0..120 {
            app.run(&format!("SET scratch {polls}"));
            app.run("DEL order:1");
            let there = if polls % 2 == 0 { root } else { other };
            match polls % 3 {
                0 => begin_and_drop(system.changes(), polls / 3).await,
                _ => begin_and_drop(system.restore(there), polls / 3).await,
            }
            let (to, dump) = match polls % 4 {
                0 | 1 => (root, &root_dump),
                _ => (other, &other_dump),
            };
            system.restore(to).await?;
            assert_eq!(&looker.dump(), dump, "after {polls}");
            assert_eq!(system.changes().await?, []);
        }
        system.close().await
    })
}

fn others_untouched(_: &Bench<'_>) -> Result<(), Failed> {
    let server = Redis::own(&[]);
    let bench = Bench::own(&server);
    let mut app = bench.app();
    bench.block_on(async |bench| {
        let mut looker = bench.looker();
        for database in 2..16 {
            looker.ask::<()>(cmd("SELECT").arg(database));
            // The same names as those that change, and a deadline.
            looker.ask::<()>(cmd("SET").arg("stock").arg("theirs").arg("EX").arg(5000));
            looker.ask::<()>(cmd("RPUSH").arg("queue").arg("job"));
        }
        let mut others = || -> Vec<(Option<Vec<u8>>, i64)> {
            let mut found = Vec::new();
            for database in 2..16 {
                looker.ask::<()>(cmd("SELECT").arg(database));
                for key in ["stock", "queue"] {
                    let deadline = looker.ask(cmd("PEXPIRETIME").arg(key));
                    found.push((looker.ask(cmd("DUMP").arg(key)), deadline));
                }
                assert_eq!(looker.ask::<i64>(&mut cmd("DBSIZE")), 2);
            }
            found
        };
        let before = others();
        for mode in [RedisMode::Tracking, RedisMode::Dump] {
            let options = bench.options().databases([0, 1]).mode(mode);
            let system = options.clone().connect().await?;
            let root = begin(&system).await?;
            app.run("DEL stock");
            app.run("RPUSH queue a");
            app.run_on(1, "SET stock 7");
            system.seal().await?;
            system.restore(root).await?;
            system.flush().await?;
            system.seal().await?;
            // Neither does a run that ends another.
            drop(system);
            options.clone().cleanup().await?;
            let system = options.connect().await?;
            begin(&system).await?;
            system.flush().await?;
            system.close().await?;
        }
        assert!(before == others());
        let stats: String = looker.ask(cmd("INFO").arg("commandstats"));
        assert!(
            !stats.contains("flushall") && !stats.contains("swapdb"),
            "{stats}"
        );
        Ok(())
    })
}

fn begins_once(bench: &Bench<'_>) -> Result<(), Failed> {
    let _app = bench.app();
    bench.block_on(async |bench| {
        for (mode, mechanism) in [
            (
                RedisMode::Auto,
                "client tracking and dumps of the keys that changed",
            ),
            (RedisMode::Dump, "dumps of all keys, as asked"),
        ] {
            let system = bench.options().mode(mode).connect().await?;
            let early = system.changes().await.unwrap_err().to_string();
            assert!(early.contains("no run has begun"), "{early}");
            begin(&system).await?;
            let about = system.about();
            assert!(
                about
                    .name
                    .contains(&format!("database {} (Redis 7", bench.databases[0])),
                "{about:?}"
            );
            assert_eq!(about.mechanism, mechanism);
            let twice = begin(&system).await.unwrap_err().to_string();
            assert!(twice.contains("has begun already"), "{twice}");
            let wrong = venomqa_adapters::Checkpoint(77);
            assert!(matches!(
                system.restore(wrong).await,
                Err(Error::OutOfReach { .. })
            ));
            system.close().await?;
            system.close().await?;
            assert_eq!(system.about(), about);
            let closed = begin(&system).await.unwrap_err().to_string();
            assert!(closed.contains("was closed"), "{closed}");
        }
        Ok(())
    })
}
