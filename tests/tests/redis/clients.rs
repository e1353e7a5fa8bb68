//! Other clients, who write, wait, or keep the server busy.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use libtest_mimic::Failed;
use redis::cmd;
use venomqa_adapters::{Error, RedisMode, System};
use venomqa_tests::Page;
use venomqa_tests::servers::Redis;

use crate::Test;
use crate::app::words;
use crate::bench::{Bench, begin, lines};
use crate::faults::LONGEST;
use crate::look::Looker;

pub(crate) const TESTS: &[(&str, Test)] = &[
    (
        "somebody_who_writes_at_the_end_is_not_held_against_the_run",
        writer_at_the_end,
    ),
    (
        "a_write_that_is_not_announced_is_found_at_the_end",
        unannounced,
    ),
    ("a_script_is_waited_for_and_then_named", busy_script),
    (
        "a_client_that_takes_what_is_put_back_is_named",
        waiting_client,
    ),
    (
        "what_a_client_takes_at_the_end_is_told_and_kept",
        taken_at_the_end,
    ),
];

fn writer_at_the_end(bench: &Bench<'_>) -> Result<(), Failed> {
    let mut app = bench.app();
    let (mut looker, database) = (bench.looker(), bench.databases[0]);
    let stop = Arc::new(AtomicBool::new(false));
    let stopped = stop.clone();
    let writer = std::thread::spawn(move || {
        looker.ask::<()>(cmd("SELECT").arg(database));
        while !stopped.load(Ordering::Relaxed) {
            looker.ask::<i64>(cmd("INCR").arg("beat"));
            std::thread::sleep(Duration::from_micros(500));
        }
    });
    let closed = bench.block_on(async |bench| {
        app.run("RPUSH queue job");
        for _ in 0..5 {
            let system = bench.connect().await?;
            begin(&system).await?;
            app.run("INCR stock");
            // What clients may wait for is looked at again, and what is heard then is no write that was missed.
            app.run("LPOP queue");
            system.close().await?;
            assert_eq!(app.run("GET stock"), "Some(bulk-string('\"5\"'))");
        }
        Ok(())
    });
    stop.store(true, Ordering::Relaxed);
    writer.join().unwrap();
    closed
}

fn unannounced(_: &Bench<'_>) -> Result<(), Failed> {
    let server = Redis::own(&[]);
    let bench = Bench::own(&server);
    let mut app = bench.app();
    bench.block_on(async |bench| {
        app.run("XADD jobs 1-1 n 1");
        app.run("XADD mails 1-1 n 1");
        let dump = bench.looker().dump();
        for mode in [RedisMode::Tracking, RedisMode::Dump] {
            let system = bench.options().mode(mode).connect().await?;
            begin(&system).await?;
            // Groups are not announced, so the server's counters have to tell; these come to the same after each reset.
            for stream in ["jobs", "mails"] {
                app.run("CONFIG RESETSTAT");
                app.run(&format!("XGROUP CREATE {stream} g 0"));
                system.changes().await?;
            }
            match (mode, system.close().await) {
                (RedisMode::Dump, closed) => closed?,
                (_, closed) => {
                    let told = closed.unwrap_err();
                    assert!(matches!(told, Error::Irreversible { .. }), "{told}");
                    let message = told.to_string();
                    assert!(
                        message.contains("db0#mails") && message.contains("RedisMode::Dump"),
                        "{message}"
                    );
                }
            }
            assert_eq!(bench.looker().dump(), dump, "{mode:?}");
            assert_eq!(bench.files(), [""; 0]);
        }
        Ok(())
    })
}

/// Waits until a script keeps the server from answering, or has set a key to this.
fn until_busy_or(looker: &mut Looker, key: &str, value: &str) {
    let limit = Instant::now() + LONGEST;
    while let Ok(there) = looker.attempt::<Option<String>>(cmd("GET").arg(key))
        && there.as_deref() != Some(value)
    {
        assert!(Instant::now() < limit, "no script runs");
    }
}

fn busy_script(_: &Bench<'_>) -> Result<(), Failed> {
    let server = Redis::own(&["--lua-time-limit", "20"]);
    let bench = Bench::own(&server);
    bench.block_on(async |bench| {
        let mut looker = bench.looker();
        let mut app = bench.app();
        let options = bench.options().settle(Duration::from_millis(400));
        let system = options.connect().await?;
        let root = begin(&system).await?;
        // Runs for so many milliseconds.
        let script = |milliseconds: u32, then: &str| {
            let text = format!(
                "local start = redis.call('TIME'); repeat local now = redis.call('TIME') \
                 until (now[1] - start[1]) * 1000 + (now[2] - start[2]) / 1000 > {milliseconds}; {then}"
            );
            vec![vec![b"EVAL".to_vec(), text.into(), b"0".to_vec()]]
        };
        app.send(2, &script(60_000, "return 1"));
        until_busy_or(&mut looker, "none", "");
        for refused in [
            system.changes().await.map(drop),
            system.restore(root).await.map(drop),
        ] {
            let Err(Error::Busy { why, remedy, .. }) = &refused else {
                panic!("{refused:?}");
            };
            assert!(
                why.contains("script") && remedy.contains("SCRIPT KILL"),
                "{why}; {remedy}"
            );
        }
        Page::of("redis").shows(&system.changes().await.unwrap_err().to_string());
        looker.ask::<()>(cmd("SCRIPT").arg("KILL"));
        assert!(app.outcome().unwrap_err().contains("killed"));
        system.close().await?;

        // One that ends in time is waited for.
        let system = bench.options().settle(LONGEST).connect().await?;
        begin(&system).await?;
        app.send(2, &script(150, "return redis.call('INCR', 'stock')"));
        until_busy_or(&mut looker, "stock", "6");
        assert_eq!(
            lines(&system.changes().await?),
            ["db0#stock: value 5 -> 6"]
        );
        app.outcome().unwrap();
        system.close().await
    })
}

/// Waits until a client of a database waits for a key.
fn until_blocked(looker: &mut Looker, database: u32) {
    let is_it = |line: &str| line.contains("flags=b") && line.contains(&format!("db={database} "));
    let limit = Instant::now() + LONGEST;
    while !looker
        .ask::<String>(cmd("CLIENT").arg("LIST"))
        .lines()
        .any(is_it)
    {
        assert!(Instant::now() < limit, "no client waits");
    }
}

fn waiting_client(bench: &Bench<'_>) -> Result<(), Failed> {
    let (mut app, mut worker) = (bench.app(), bench.app());
    worker.run("CLIENT SETNAME worker");
    let database = bench.databases[0];
    let mut looker = bench.looker();
    bench.block_on(async |bench| {
        for (mode, waits) in [
            (RedisMode::Tracking, "BLPOP queue 0"),
            (RedisMode::Dump, "BLMOVE queue done LEFT LEFT 0"),
        ] {
            // While nothing is put back that it waits for, it is only told that it may take something.
            let system = bench.options().mode(mode).connect().await?;
            worker.send(0, &[words(waits)]);
            until_blocked(&mut looker, database);
            let root = begin(&system).await?;
            let gaps = system.about().gaps.join(" ");
            assert!(
                gaps.contains("take what is put back") && gaps.contains("(worker, 127.0.0.1"),
                "{gaps}"
            );
            app.run("RPUSH other 1");
            system.restore(root).await?;
            system.close().await?;
            app.run("RPUSH queue job");
            worker.outcome().unwrap();
            app.run("DEL done");

            app.run("RPUSH queue job");
            let system = bench.options().mode(mode).connect().await?;
            let full = begin(&system).await?;
            app.run("LPOP queue");
            worker.send(0, &[words(waits)]);
            until_blocked(&mut looker, database);
            let taken = system.restore(full).await.map(|_| ()).unwrap_err();
            assert!(matches!(taken, Error::Busy { .. }), "{taken}");
            let message = taken.to_string();
            assert!(
                message.contains("#queue removed") && message.contains("BLPOP"),
                "{message}"
            );
            Page::of("redis").shows(&message);
            worker.outcome().unwrap();
            system.close().await?;
            assert_eq!(
                app.run("LRANGE queue 0 -1"),
                "Some(array([bulk-string('\"job\"')]))"
            );
            app.run("DEL queue");
        }
        Ok(())
    })
}

fn taken_at_the_end(bench: &Bench<'_>) -> Result<(), Failed> {
    let mut app = bench.app();
    let mut looker = bench.looker();
    let database = bench.databases[0];
    let folder = bench.folder.path().display().to_string();
    bench.block_on(async |bench| {
        app.run("RPUSH queue job");
        let dump = looker.dump();
        for mode in [RedisMode::Tracking, RedisMode::Dump] {
            let system = bench.options().mode(mode).connect().await?;
            begin(&system).await?;
            app.run("LPOP queue");
            let mut worker = bench.app();
            for _ in 0..3 {
                worker.send(0, &[words("BLPOP queue 0")]);
            }
            until_blocked(&mut looker, database);
            let told = system.close().await.unwrap_err();
            assert!(matches!(told, Error::NotRestored { .. }), "{told}");
            Page::of("redis").shows(&told.to_string().replace(&folder, "~/.local/state/venomqa"));
            assert!(worker.outcome().unwrap().contains("job"), "{mode:?}");
            // It was not fed a second time.
            until_blocked(&mut looker, database);
            assert_eq!(app.run("EXISTS queue"), "Some(int(0))");
            // Neither is anything lost where the next run finds it waiting.
            let told = bench.options().cleanup().await.unwrap_err();
            assert!(matches!(told, Error::NotRestored { .. }), "{told}");
            assert!(
                told.to_string().contains(&format!("(db{database}#queue)")),
                "{told}"
            );
            assert!(worker.outcome().unwrap().contains("job"), "{mode:?}");
            until_blocked(&mut looker, database);
            drop(worker);
            bench.options().cleanup().await?;
            assert_eq!(looker.dump(), dump, "{mode:?}");
            assert_eq!(bench.files(), [""; 0]);
        }
        Ok(())
    })
}
