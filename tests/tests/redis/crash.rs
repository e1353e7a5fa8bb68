//! What a run finds that another one left.

use std::process::Command;

use libtest_mimic::Failed;
use redis::cmd;
use venomqa_adapters::{Error, RedisMode, Result, System};
use venomqa_tests::Page;
use venomqa_tests::servers::Redis;

use crate::Test;
use crate::app::App;
use crate::bench::{Bench, begin};

pub(crate) const TESTS: &[(&str, Test)] = &[
    (
        "a_run_that_ended_early_is_ended_by_the_next",
        ended_by_the_next,
    ),
    ("what_an_emptied_database_held_is_not_lost", emptied),
    ("after_a_restart_with_other_keys_it_refuses", other_server),
    ("after_a_restart_with_the_same_keys_it_goes_on", same_keys),
    ("a_copy_that_was_never_finished_is_removed", unfinished),
    ("a_damaged_copy_is_named", damaged),
    ("a_run_that_could_not_begin_undoes_nothing", could_not_begin),
    ("the_copy_is_for_nobody_elses_eyes", private),
];

/// Connects, begins, changes something and lets the adapter go without closing it, as a panic does.
async fn abandon(bench: &Bench<'_>, app: &mut App, mode: RedisMode) -> Result<()> {
    let system = bench
        .options()
        .databases(bench.databases)
        .mode(mode)
        .connect()
        .await?;
    begin(&system).await?;
    app.run("INCR stock");
    app.run_on(1, "SET new 1");
    system.seal().await?;
    app.run("DEL order:1");
    Ok(())
}

fn ended_by_the_next(bench: &Bench<'_>) -> std::result::Result<(), Failed> {
    let mut app = bench.app();
    bench.block_on(async |bench| {
        app.run("SET session token EX 3000");
        let mut looker = bench.looker();
        let dump = looker.dump();
        let root_files = bench.databases.map(|database| format!("{database}.root"));
        for mode in [RedisMode::Tracking, RedisMode::Dump] {
            abandon(bench, &mut app, mode).await?;
            app.run("PERSIST session");
            assert_ne!(looker.dump(), dump);
            let files = bench.files();
            for file in &root_files {
                assert!(files.iter().any(|name| name.ends_with(file)), "{files:?}");
            }
            // Each database by itself, then both.
            bench.connect().await?.close().await?;
            assert_eq!(bench.files().len(), 2, "{:?}", bench.files());
            bench.options().databases(bench.databases).cleanup().await?;
            assert_eq!(looker.dump(), dump, "{mode:?}");
            assert_eq!(bench.files(), [""; 0]);
            // There is nothing to do any more.
            bench.options().databases(bench.databases).cleanup().await?;
            assert_eq!(looker.dump(), dump, "{mode:?}");
        }
        Ok(())
    })
}

fn emptied(bench: &Bench<'_>) -> std::result::Result<(), Failed> {
    let mut app = bench.app();
    bench.block_on(async |bench| {
        let dump = bench.looker().dump();
        abandon(bench, &mut app, RedisMode::Auto).await?;
        app.run("FLUSHDB");
        app.run_on(1, "FLUSHDB");
        bench.options().databases(bench.databases).cleanup().await?;
        assert_eq!(bench.looker().dump(), dump);
        Ok(())
    })
}

fn other_server(_: &Bench<'_>) -> std::result::Result<(), Failed> {
    let mut server = Redis::own(&[]);
    let bench = Bench::own(&server);
    let mut app = bench.app();
    bench.block_on(async |bench| {
        let dump = bench.looker().dump();
        let system = bench.connect().await?;
        begin(&system).await?;
        app.run("INCR stock");
        drop(system);
        server.restart("KILL");
        let mut looker = bench.looker();
        looker.ask::<()>(cmd("SET").arg("of").arg("somebody"));
        let there = looker.dump();
        let refused = bench.connect().await.unwrap_err();
        assert!(matches!(refused, Error::NotRestored { .. }), "{refused}");
        let message = refused.to_string();
        assert!(message.contains("was started again since"), "{message}");
        let folder = format!("{}/", bench.folder.path().display());
        Page::of("redis").shows(&message.replace(&folder, ""));
        assert_eq!(looker.dump(), there, "it did not touch them");

        // What it says works.
        looker.ask::<()>(&mut cmd("FLUSHALL"));
        let advice = message.split('`').nth(1).expect("a command");
        let output = Command::new("sh").args(["-c", advice]).output().unwrap();
        assert!(output.status.success(), "{advice}: {output:?}");
        assert_eq!(looker.dump(), dump);
        for file in bench.files() {
            std::fs::remove_file(bench.folder.path().join(file)).unwrap();
        }
        bench.connect().await?.close().await
    })
}

fn same_keys(_: &Bench<'_>) -> std::result::Result<(), Failed> {
    let mut server = Redis::own(&["--appendonly", "yes"]);
    let bench = Bench::own(&server);
    let mut app = bench.app();
    bench.block_on(async |bench| {
        let system = bench.connect().await?;
        // After a restart the server dumps their members in another order.
        let members: Vec<_> = (0..600).map(|i| format!("member:{i}")).collect();
        app.run(&format!("SADD tags {}", members.join(" ")));
        let fields: Vec<_> = members.iter().map(|name| format!("{name} 1")).collect();
        app.run(&format!("HSET counts {}", fields.join(" ")));
        let dump = bench.looker().dump();
        begin(&system).await?;
        app.run("INCR stock");
        app.run("DECR stock");
        drop(system);
        server.restart("TERM");
        bench.options().cleanup().await?;
        assert!(bench.looker().dump() == dump);
        assert_eq!(bench.files(), [""; 0]);

        // A member less is another set.
        let system = bench.connect().await?;
        begin(&system).await?;
        drop(system);
        bench.app().run("SREM tags member:7");
        server.restart("TERM");
        let refused = bench.connect().await.unwrap_err().to_string();
        assert!(refused.contains("holds other keys"), "{refused}");
        Ok(())
    })
}

fn could_not_begin(bench: &Bench<'_>) -> std::result::Result<(), Failed> {
    let mut app = bench.app();
    bench.block_on(async |bench| {
        let both = bench.options().databases(bench.databases);
        let system = both.clone().connect().await?;
        // Where the copy of the second database is to be written is something else.
        let locks = bench.files();
        let other = format!("-{}.lock", bench.databases[1]);
        let lock = locks.iter().find(|file| file.ends_with(&other));
        let in_the_way = bench.folder.path().join(lock.expect("a lock"));
        let in_the_way = in_the_way.with_extension("unfinished");
        std::fs::create_dir(&in_the_way).unwrap();
        let told = begin(&system).await.unwrap_err().to_string();
        assert!(told.contains(".root"), "{told}");
        drop(system);
        std::fs::remove_dir(&in_the_way).unwrap();

        // Days later somebody connects again.
        app.run("INCR stock");
        both.connect().await?.close().await?;
        assert_eq!(app.run("GET stock"), "Some(bulk-string('\"6\"'))");
        Ok(())
    })
}

fn unfinished(bench: &Bench<'_>) -> std::result::Result<(), Failed> {
    let mut app = bench.app();
    bench.block_on(async |bench| {
        abandon(bench, &mut app, RedisMode::Auto).await?;
        // As if it had died while it wrote this.
        for file in bench.files().iter().filter(|file| file.ends_with(".root")) {
            let copy = bench.folder.path().join(file);
            std::fs::rename(&copy, copy.with_extension("unfinished")).unwrap();
        }
        let there = bench.looker().dump();
        let both = bench.options().databases(bench.databases);
        both.cleanup().await?;
        assert_eq!(bench.looker().dump(), there);
        assert_eq!(bench.files(), [""; 0]);
        Ok(())
    })
}

fn damaged(bench: &Bench<'_>) -> std::result::Result<(), Failed> {
    let mut app = bench.app();
    bench.block_on(async |bench| {
        abandon(bench, &mut app, RedisMode::Auto).await?;
        let there = bench.looker().dump();
        let copy = format!("-{}.root", bench.databases[0]);
        let copy = bench
            .files()
            .into_iter()
            .find(|file| file.ends_with(&copy))
            .expect("a copy");
        let copy = bench.folder.path().join(copy);
        let whole = std::fs::read(&copy).unwrap();
        std::fs::write(&copy, &whole[..whole.len() - 20]).unwrap();
        let refused = bench.connect().await.unwrap_err();
        assert!(matches!(refused, Error::NotRestored { .. }), "{refused}");
        assert!(refused.to_string().contains("damaged"), "{refused}");
        assert_eq!(bench.looker().dump(), there);
        std::fs::remove_file(&copy).unwrap();
        bench.connect().await?.close().await
    })
}

fn private(bench: &Bench<'_>) -> std::result::Result<(), Failed> {
    use std::os::unix::fs::PermissionsExt;

    let _app = bench.app();
    bench.block_on(async |bench| {
        let folder = bench.folder.path().join("made");
        let system = bench.options().state_folder(&folder).connect().await?;
        begin(&system).await?;
        let copy = std::fs::read_dir(&folder)
            .unwrap()
            .map(|entry| entry.unwrap().path());
        let copy = copy
            .into_iter()
            .find(|path| path.extension().is_some_and(|end| end == "root"));
        let mode = |path: &std::path::Path| path.metadata().unwrap().permissions().mode() & 0o777;
        assert_eq!(
            (mode(&folder), mode(&copy.expect("a copy"))),
            (0o700, 0o600)
        );
        system.close().await
    })
}
