//! Runs that want the same databases.

use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use libtest_mimic::Failed;
use redis::cmd;
use venomqa_adapters::{Error, RedisOptions, System};
use venomqa_tests::Page;
use venomqa_tests::servers::Redis;

use crate::Test;
use crate::bench::{Bench, begin, runtime};

pub(crate) const TESTS: &[(&str, Test)] = &[
    ("a_second_run_waits_for_the_first", second_run_waits),
    ("a_run_of_another_process_is_waited_for", other_process),
    (
        "a_server_has_one_lock_by_its_socket_and_by_its_port",
        by_socket,
    ),
];

const OTHER_RUN: &str = "VENOMQA_TEST_OTHER_RUN_URL";
const FOLDER: &str = "VENOMQA_TEST_OTHER_RUN_FOLDER";

/// Becomes a run that holds a database until its input ends, if this process was started as one.
pub(crate) fn become_other_run_if_asked() {
    let Ok(url) = std::env::var(OTHER_RUN) else {
        return;
    };
    let folder = std::env::var(FOLDER).expect("a folder");
    runtime().block_on(async {
        let options = RedisOptions::from_url(&url).unwrap().state_folder(folder);
        let system = options.connect().await.unwrap();
        begin(&system).await.unwrap();
        writeln!(std::io::stdout(), "holds").expect("the test listens");
        let _ = std::io::stdin().read_line(&mut String::new());
        system.close().await.unwrap();
    });
    std::process::exit(0);
}

fn second_run_waits(bench: &Bench<'_>) -> Result<(), Failed> {
    bench.block_on(async |bench| {
        let [one, other] = bench.databases;
        let first = bench.options().database(other).connect().await?;
        let heard = Arc::new(Mutex::new(Vec::new()));
        let hear = heard.clone();
        // The same server by another name, and one database in common.
        let both = bench.options().host("localhost").databases([one, other]);
        let both = both.on_wait(move |whom| hear.lock().unwrap().push(whom.to_owned()));
        let refused = both
            .clone()
            .lock_wait(Duration::from_millis(50))
            .connect()
            .await
            .unwrap_err();
        assert!(matches!(refused, Error::Busy { .. }), "{refused}");
        let process = format!("process {}", std::process::id());
        assert!(refused.to_string().contains(&process), "{refused}");
        let told = heard.lock().unwrap().clone();
        assert_eq!(told.len(), 1, "{told:?}");
        assert!(
            told[0].contains("waiting for") && told[0].contains(&process),
            "{told:?}"
        );

        // What it could not have it does not keep from others.
        bench
            .options()
            .database(one)
            .lock_wait(Duration::ZERO)
            .connect()
            .await?
            .close()
            .await?;
        let (second, closed) = tokio::join!(
            both.lock_wait(Duration::from_secs(60)).connect(),
            first.close()
        );
        closed?;
        second?.close().await?;
        assert_eq!(bench.files(), [""; 0]);
        Ok(())
    })
}

fn other_process(bench: &Bench<'_>) -> Result<(), Failed> {
    let mut app = bench.app();
    bench.block_on(async |bench| {
        let program = std::env::current_exe().unwrap();
        let mut other = Command::new(&program)
            .env(OTHER_RUN, bench.url(0))
            .env(FOLDER, bench.folder.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut output = BufReader::new(other.stdout.take().unwrap());
        let mut line = String::new();
        output.read_line(&mut line).unwrap();
        assert_eq!(line.trim(), "holds");
        app.run("INCR stock");
        let refused = bench
            .options()
            .lock_wait(Duration::from_millis(50))
            .connect()
            .await
            .unwrap_err()
            .to_string();
        Page::of("redis").shows(&refused);
        let program = program.file_name().unwrap().to_string_lossy().into_owned();
        assert!(
            refused.contains(&format!("{program} (process {})", other.id())),
            "{refused}"
        );
        drop(other.stdin.take());
        let system = bench.connect().await;
        assert!(other.wait().unwrap().success());
        let system = system?;
        assert_eq!(system.get::<i64>("stock").await?, Some(5));
        system.close().await
    })
}

fn by_socket(_: &Bench<'_>) -> Result<(), Failed> {
    let server = Redis::own(&["--unixsocket", "redis.sock"]);
    let bench = Bench::own(&server);
    let mut app = bench.app();
    let (_, folder): (String, String) = bench.looker().ask(cmd("CONFIG").arg("GET").arg("dir"));
    let socket = format!("{folder}/redis.sock");
    bench.block_on(async |bench| {
        let by_port = bench.connect().await?;
        begin(&by_port).await?;
        app.run("INCR stock");
        let by_socket = bench.options().host(&socket);
        let refused = by_socket.clone().lock_wait(Duration::ZERO).connect().await;
        let refused = refused.unwrap_err();
        assert!(matches!(refused, Error::Busy { .. }), "{refused}");
        // So is the copy that a crash leaves.
        drop(by_port);
        by_socket.cleanup().await?;
        assert_eq!(app.run("GET stock"), "Some(bulk-string('\"5\"'))");
        Ok(())
    })
}
