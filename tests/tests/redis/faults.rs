//! What goes wrong with the server, its rights and other clients.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use libtest_mimic::Failed;
use redis::cmd;
use venomqa_adapters::{Error, RedisMode, RedisOptions, System};
use venomqa_tests::Page;
use venomqa_tests::servers::Redis;

use crate::Test;
use crate::app::{App, words};
use crate::bench::{Bench, begin, lines};
use crate::look::Looker;

pub(crate) const TESTS: &[(&str, Test)] = &[
    ("a_lost_connection_hides_no_change", lost_connection),
    (
        "a_lost_connection_of_the_user_is_made_again",
        lost_user_connection,
    ),
    (
        "a_server_that_lost_its_keys_is_told_and_filled_again",
        restarted_empty,
    ),
    ("a_server_that_kept_its_keys_goes_on", restarted_full),
    (
        "a_full_memory_is_told_and_nothing_is_half_restored",
        out_of_memory,
    ),
    (
        "beyond_its_limit_of_memory_a_server_is_put_back",
        beyond_memory,
    ),
    (
        "a_command_that_was_not_answered_keeps_no_other_waiting",
        unanswered,
    ),
    (
        "a_server_that_is_gone_at_the_end_is_told_with_what_to_do",
        gone_at_the_end,
    ),
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
        "a_missing_right_is_named_with_what_grants_it",
        missing_rights,
    ),
    (
        "a_command_that_was_renamed_is_no_missing_right",
        renamed_command,
    ),
    ("without_the_right_to_track_dumps_are_taken", may_not_track),
    (
        "a_client_that_takes_what_is_put_back_is_named",
        waiting_client,
    ),
    (
        "what_a_client_takes_at_the_end_is_told_and_kept",
        taken_at_the_end,
    ),
    ("a_replica_and_a_cluster_are_refused", refused_servers),
    ("a_database_that_is_not_there_is_refused", no_such_database),
    ("a_server_that_is_not_there_is_told_at_once", no_server),
];

/// How long a server may take to come into a state that a test waits for.
const LONGEST: Duration = Duration::from_secs(20);

/// Closes the connections that follow keys, as an administrator may.
fn kill_followers(looker: &mut Looker) {
    let list: String = looker.ask(cmd("CLIENT").arg("LIST"));
    let mut killed = 0;
    for line in list.lines() {
        let field = |name: &str| {
            line.split(' ')
                .find_map(|field| field.strip_prefix(name))
                .unwrap_or_default()
        };
        // `t` stands for tracking.
        if field("flags=").contains('t') {
            killed += looker.ask::<i64>(cmd("CLIENT").arg("KILL").arg("ID").arg(field("id=")));
        }
    }
    assert!(killed > 0, "{list}");
}

fn lost_connection(_: &Bench<'_>) -> Result<(), Failed> {
    // On a server of its own, because all connections that follow keys are closed.
    let server = Redis::own(&[]);
    let bench = Bench::own(&server);
    let mut app = bench.app();
    bench.block_on(async |bench| {
        let mut looker = bench.looker();
        let dump = looker.dump();
        let system = bench.connect().await?;
        let root = begin(&system).await?;
        app.run("DECR stock");
        assert_eq!(system.changes().await?.len(), 1);
        kill_followers(&mut looker);
        // Nobody listens to these.
        app.run("DEL order:1");
        app.run("SET new 1");
        assert_eq!(
            lines(&system.changes().await?),
            [
                "db0#new added: type string, value 1, expires NULL",
                "db0#order:1 removed",
                "db0#stock: value 5 -> 4"
            ]
        );
        let sealed = system.seal().await?.checkpoint;
        app.run("SET late 1");
        kill_followers(&mut looker);
        let untold = system.restore(root).await?;
        assert_eq!(
            lines(&untold),
            ["db0#late added: type string, value 1, expires NULL"]
        );
        assert_eq!(looker.dump(), dump);
        kill_followers(&mut looker);
        system.restore(sealed).await?;
        assert_eq!(app.run("EXISTS stock new order:1"), "Some(int(2))");
        kill_followers(&mut looker);
        system.close().await?;
        assert_eq!(looker.dump(), dump);
        Ok(())
    })
}

fn lost_user_connection(_: &Bench<'_>) -> Result<(), Failed> {
    let server = Redis::own(&[]);
    let bench = Bench::own(&server);
    let mut app = bench.app();
    bench.block_on(async |bench| {
        let system = bench.connect().await?;
        assert_eq!(system.get::<i64>("stock").await?, Some(5));
        let mut looker = bench.looker();
        looker.ask::<i64>(
            cmd("CLIENT")
                .arg("KILL")
                .arg("TYPE")
                .arg("normal")
                .arg("SKIPME")
                .arg("yes"),
        );
        // Whether the command was run nobody knows, so it is told; the next one has a new connection.
        let lost = system.set("stock", 4).await;
        if lost.is_err() {
            system.set("stock", 4).await?;
        }
        assert_eq!(system.get::<i64>("stock").await?, Some(4));
        drop(app);
        app = bench.app();
        assert_eq!(app.run("GET stock"), "Some(bulk-string('\"5\"'))");
        system.close().await
    })
}

fn restarted_empty(_: &Bench<'_>) -> Result<(), Failed> {
    let mut server = Redis::own(&[]);
    let bench = Bench::own(&server);
    let mut app = bench.app();
    bench.block_on(async |bench| {
        let dump = bench.looker().dump();
        let system = bench.connect().await?;
        begin(&system).await?;
        app.run("DECR stock");
        system.seal().await?;
        server.restart("KILL");
        // Whoever asks is told, not only the first.
        for told in [
            system.changes().await.unwrap_err().to_string(),
            system.seal().await.map(drop).unwrap_err().to_string(),
        ] {
            assert!(
                told.contains("was started again in the middle of the run"),
                "{told}"
            );
        }
        system.close().await?;
        assert_eq!(bench.looker().dump(), dump);
        assert_eq!(bench.files(), [""; 0]);
        Ok(())
    })
}

fn restarted_full(_: &Bench<'_>) -> Result<(), Failed> {
    let mut server = Redis::own(&["--appendonly", "yes"]);
    let bench = Bench::own(&server);
    let mut app = bench.app();
    bench.block_on(async |bench| {
        let dump = bench.looker().dump();
        let system = bench.connect().await?;
        let root = begin(&system).await?;
        app.run("DECR stock");
        let sealed = system.seal().await?.checkpoint;
        server.restart("TERM");
        assert_eq!(system.changes().await?, []);
        let mut app = App::start(&[bench.url(0)]);
        app.run("DECR stock");
        assert_eq!(lines(&system.changes().await?), ["db0#stock: value 4 -> 3"]);
        system.restore(root).await?;
        assert_eq!(bench.looker().dump(), dump);
        system.restore(sealed).await?;
        assert_eq!(app.run("GET stock"), "Some(bulk-string('\"4\"'))");
        // Had the run crashed here, the next would know the server.
        drop(system);
        bench.options().cleanup().await?;
        assert_eq!(bench.looker().dump(), dump);
        Ok(())
    })
}

fn out_of_memory(_: &Bench<'_>) -> Result<(), Failed> {
    let server = Redis::own(&["--maxmemory", "24mb"]);
    let bench = Bench::own(&server);
    bench.block_on(async |bench| {
        let mut looker = bench.looker();
        let mut app = bench.app();
        let big = "x".repeat(1 << 20);
        for key in 0..12 {
            app.attempt(
                0,
                &[vec![
                    b"SET".to_vec(),
                    format!("big:{key}").into(),
                    big.clone().into(),
                ]],
            )
            .unwrap();
        }
        let dump = looker.dump();
        let system = bench.connect().await?;
        let root = begin(&system).await?;
        let all: Vec<_> = (0..12).map(|key| format!("big:{key}")).collect();
        app.run(&format!("DEL {}", all.join(" ")));
        let mut filled = 0;
        let why = loop {
            let fill = vec![
                b"SET".to_vec(),
                format!("fill:{filled}").into(),
                vec![b'y'; 100_000],
            ];
            match app.attempt(0, &[fill]) {
                Ok(_) => filled += 1,
                Err(why) => break why,
            }
        };
        assert!(why.contains("OOM"), "{why}");
        let full = looker.dump();
        let refused = system
            .restore(root)
            .await
            .map(|_| ())
            .unwrap_err()
            .to_string();
        assert!(
            refused.contains("out of memory") && refused.contains("CONFIG SET maxmemory"),
            "{refused}"
        );
        Page::of("redis").shows(&refused);
        assert!(looker.dump() == full, "nothing is half restored");
        assert_eq!(system.changes().await?.len(), filled + 12);
        // At the end the keys that the run added make room for those that it removed.
        system.close().await?;
        assert!(looker.dump() == dump);
        Ok(())
    })
}

fn beyond_memory(_: &Bench<'_>) -> Result<(), Failed> {
    let server = Redis::own(&[]);
    let bench = Bench::own(&server);
    let mut app = bench.app();
    bench.block_on(async |bench| {
        let mut looker = bench.looker();
        app.run("SET session token EX 3000");
        let dump = looker.dump();
        let maximum = |looker: &mut Looker, bytes: u64| {
            looker.ask::<()>(cmd("CONFIG").arg("SET").arg("maxmemory").arg(bytes));
        };
        let used = |looker: &mut Looker| -> u64 {
            let info: String = looker.ask(cmd("INFO").arg("memory"));
            let used = info
                .lines()
                .find_map(|line| line.strip_prefix("used_memory:"));
            used.unwrap().parse().unwrap()
        };
        let limit = used(&mut looker) + (8 << 20);
        for crashes in [false, true] {
            let system = bench.connect().await?;
            begin(&system).await?;
            app.run("DEL order:1");
            app.run("SETRANGE filled 20000000 x");
            system.seal().await?;
            maximum(&mut looker, limit);
            assert!(used(&mut looker) > limit);
            if crashes {
                drop(system);
                bench.options().cleanup().await?;
            } else {
                system.close().await?;
            }
            maximum(&mut looker, 0);
            assert_eq!(looker.dump(), dump);
            assert_eq!(bench.files(), [""; 0]);
        }
        // Where there is no room to be made, it can still be looked at and left as it is.
        maximum(&mut looker, 1);
        let system = bench.connect().await?;
        begin(&system).await?;
        system.close().await?;
        assert_eq!(looker.dump(), dump);
        Ok(())
    })
}

fn unanswered(bench: &Bench<'_>) -> Result<(), Failed> {
    let mut app = bench.app();
    bench.block_on(async |bench| {
        let options = bench.options().settle(Duration::from_millis(100));
        let system = options.connect().await?;
        let silence = system
            .command::<redis::Value>(("BLPOP", "queue", 0))
            .await
            .unwrap_err()
            .to_string();
        assert!(silence.contains("run `BLPOP`"), "{silence}");
        assert_eq!(system.get::<i64>("stock").await?, Some(5));
        drop(app);
        app = bench.app();
        app.run("RPUSH queue job");
        assert_eq!(
            app.run("LRANGE queue 0 -1"),
            "Some(array([bulk-string('\"job\"')]))"
        );
        system.close().await
    })
}

fn gone_at_the_end(_: &Bench<'_>) -> Result<(), Failed> {
    let server = Redis::own(&[]);
    let bench = Bench::own(&server);
    let mut app = bench.app();
    bench.block_on(async |bench| {
        let options = bench.options().settle(Duration::from_millis(100));
        let system = options.connect().await?;
        begin(&system).await?;
        app.run("INCR stock");
        drop(server);
        let told = system.close().await.unwrap_err();
        assert!(matches!(told, Error::NotRestored { .. }), "{told}");
        let folder = bench.folder.path().display().to_string();
        let message = told.to_string();
        assert!(
            message.contains("RedisOptions::cleanup") && message.contains(&folder),
            "{message}"
        );
        assert!(bench.files().iter().any(|file| file.ends_with(".root")));
        Ok(())
    })
}

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

/// Runs the command that a message recommends.
fn follow_advice(looker: &mut Looker, message: &str) {
    let from = message
        .find("ACL SETUSER")
        .unwrap_or_else(|| panic!("no advice: {message}"));
    let line = message[from..].trim_end_matches(')');
    let words: Vec<_> = line.split_whitespace().collect();
    looker.ask::<()>(cmd(words[0]).arg(&words[1..]));
}

fn missing_rights(_: &Bench<'_>) -> Result<(), Failed> {
    let server = Redis::own(&[]);
    let bench = Bench::own(&server);
    let mut app = bench.app();
    bench.block_on(async |bench| {
        let mut looker = bench.looker();
        for (user, rules, missing) in [
            (
                "reader",
                "+@read +@connection +info +multi +exec +discard +time",
                "RESTORE, DEL and PEXPIREAT",
            ),
            ("nobody", "-@all", "MULTI, EXEC, DISCARD, INFO"),
            ("nodump", "+@all -dump -@admin", "DUMP"),
        ] {
            let acl = format!("ACL SETUSER {user} on >s3cret ~* {rules}");
            let acl: Vec<_> = acl.split(' ').collect();
            looker.ask::<()>(cmd(acl[0]).arg(&acl[1..]));
            let options = || bench.options().user(user).password("s3cret");
            let refused = options().connect().await.unwrap_err();
            assert!(matches!(refused, Error::Refused { .. }), "{refused}");
            let message = refused.to_string();
            assert!(
                message.contains(missing) && !message.contains("s3cret"),
                "{message}"
            );
            if user == "reader" {
                Page::of("redis").shows(&message);
            }
            follow_advice(&mut looker, &message);
            let system = options().connect().await?;
            let root = begin(&system).await?;
            app.run("INCR stock");
            system.restore(root).await?;
            assert_eq!(app.run("GET stock"), "Some(bulk-string('\"5\"'))", "{user}");
            system.close().await?;
        }
        let wrong = bench
            .options()
            .user("reader")
            .password("wr0ng")
            .connect()
            .await
            .unwrap_err()
            .to_string();
        assert!(
            wrong.contains("failed to connect") && !wrong.contains("wr0ng"),
            "{wrong}"
        );
        Ok(())
    })
}

fn renamed_command(_: &Bench<'_>) -> Result<(), Failed> {
    let server = Redis::own(&["--rename-command", "DUMP", "HIDDEN"]);
    let bench = Bench::own(&server);
    bench.block_on(async |bench| {
        let refused = bench.connect().await.unwrap_err().to_string();
        assert!(
            refused.contains("does not know DUMP")
                && refused.contains("rename-command")
                && !refused.contains("ACL"),
            "{refused}"
        );
        Ok(())
    })
}

fn may_not_track(_: &Bench<'_>) -> Result<(), Failed> {
    let server = Redis::own(&[]);
    let bench = Bench::own(&server);
    let mut app = bench.app();
    bench.block_on(async |bench| {
        let mut looker = bench.looker();
        looker.ask::<()>(
            cmd("ACL")
                .arg("SETUSER")
                .arg("plain")
                .arg("on")
                .arg(">pass")
                .arg("~*")
                .arg("+@all")
                .arg("-client|tracking"),
        );
        let options = || bench.options().user("plain").password("pass");
        let system = options().connect().await?;
        let mechanism = system.about().mechanism;
        assert!(
            mechanism.contains(
                "dumps of all keys, because the user `plain` may not run CLIENT TRACKING"
            ),
            "{mechanism}"
        );
        let root = begin(&system).await?;
        app.run("INCR stock");
        system.restore(root).await?;
        assert_eq!(app.run("GET stock"), "Some(bulk-string('\"5\"'))");
        system.close().await?;
        let refused = options()
            .mode(RedisMode::Tracking)
            .connect()
            .await
            .unwrap_err()
            .to_string();
        assert!(refused.contains("RedisMode::Dump"), "{refused}");
        follow_advice(&mut looker, &mechanism);
        let system = options().mode(RedisMode::Tracking).connect().await?;
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

fn refused_servers(_: &Bench<'_>) -> Result<(), Failed> {
    let cluster = Redis::own(&["--cluster-enabled", "yes"]);
    let replica = Redis::own(&[]);
    let bench = Bench::own(&replica);
    bench.block_on(async |bench| {
        bench
            .looker()
            .ask::<()>(cmd("REPLICAOF").arg("127.0.0.1").arg(1));
        let refused = bench.connect().await.unwrap_err().to_string();
        assert!(refused.contains("is a replica"), "{refused}");
        let options = RedisOptions::from_url(&cluster.url(0))?.state_folder(bench.folder.path());
        let refused = options.connect().await.unwrap_err().to_string();
        assert!(refused.contains("node of a cluster"), "{refused}");
        assert_eq!(bench.files(), [""; 0]);
        Ok(())
    })
}

fn no_such_database(bench: &Bench<'_>) -> Result<(), Failed> {
    bench.block_on(async |bench| {
        let refused = bench
            .options()
            .databases([bench.databases[0], 4711])
            .connect()
            .await
            .unwrap_err()
            .to_string();
        assert!(refused.contains("no database 4711"), "{refused}");
        Ok(())
    })
}

fn no_server(_: &Bench<'_>) -> Result<(), Failed> {
    let server = Redis::own(&[]);
    let bench = Bench::own(&server);
    drop(server);
    bench.block_on(async |bench| {
        let options = bench.options().settle(Duration::from_secs(3600));
        let told = options.connect().await.unwrap_err().to_string();
        assert!(
            told.contains("failed to connect") && told.contains("refused"),
            "{told}"
        );
        Ok(())
    })
}
