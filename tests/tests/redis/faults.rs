//! What goes wrong with the server, its rights and other clients.

use std::time::Duration;

use libtest_mimic::Failed;
use redis::cmd;
use venomqa_adapters::{Error, System};
use venomqa_tests::Page;
use venomqa_tests::servers::Redis;

use crate::Test;
use crate::app::App;
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
];

/// How long a server may take to come into a state that a test waits for.
pub(crate) const LONGEST: Duration = Duration::from_secs(20);

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
