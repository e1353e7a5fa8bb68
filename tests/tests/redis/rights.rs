//! What an account may, and what a server has to be.

use std::time::Duration;

use libtest_mimic::Failed;
use redis::cmd;
use venomqa_adapters::{Error, RedisMode, RedisOptions, System};
use venomqa_tests::Page;
use venomqa_tests::servers::Redis;

use crate::Test;
use crate::bench::{Bench, begin};
use crate::look::Looker;

pub(crate) const TESTS: &[(&str, Test)] = &[
    (
        "a_missing_right_is_named_with_what_grants_it",
        missing_rights,
    ),
    (
        "a_command_that_was_renamed_is_no_missing_right",
        renamed_command,
    ),
    ("without_the_right_to_track_dumps_are_taken", may_not_track),
    ("a_replica_and_a_cluster_are_refused", refused_servers),
    ("a_database_that_is_not_there_is_refused", no_such_database),
    ("a_server_that_is_not_there_is_told_at_once", no_server),
];

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
