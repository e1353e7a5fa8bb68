//! Others that are in the way.

use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use libtest_mimic::Failed;
use venomqa_adapters::{Error, SqliteAdapter, SqliteOptions, System};

use crate::bench::{Bench, NOTHING, Test, begin, lines};

pub(crate) const TESTS: &[(&str, Test)] = &[
    (
        "an_open_transaction_is_waited_for_and_then_named",
        open_transaction,
    ),
    (
        "an_open_read_is_in_the_way_only_without_a_write_ahead_log",
        open_read,
    ),
    ("a_second_run_waits_for_the_first", second_run_waits),
    (
        "who_is_waited_for_is_told_to_the_whole_process",
        waiting_is_told,
    ),
];

const OTHER_RUN: &str = "VENOMQA_TEST_OTHER_RUN_DATABASE";

/// Becomes a run that holds a database until its input ends, if this process was started as one.
pub(crate) fn become_other_run_if_asked() {
    let Some(database) = std::env::var_os(OTHER_RUN).map(PathBuf::from) else {
        return;
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .unwrap();
    let system = runtime.block_on(SqliteAdapter::open(database)).unwrap();
    writeln!(std::io::stdout(), "holds").expect("the test listens");
    let _ = std::io::stdin().read_line(&mut String::new());
    runtime.block_on(system.close()).unwrap();
    std::process::exit(0);
}

fn open_transaction(bench: &mut Bench) -> std::result::Result<(), Failed> {
    bench.block_on(async |bench| {
        let mut app = bench.app();
        let options = SqliteOptions {
            settle: Duration::from_millis(200),
            ..SqliteOptions::default()
        };
        let system = SqliteAdapter::open_with(&bench.path, options).await?;
        let root = begin(&system).await?;
        app.attempt(1, "BEGIN IMMEDIATE").unwrap();
        app.attempt(1, "UPDATE orders SET paid = 5 WHERE id = 1")
            .unwrap();
        for refused in [
            system.changes().await.map(drop),
            system.restore(root).await.map(drop),
        ] {
            let Err(Error::Busy { why, remedy, .. }) = &refused else {
                panic!("{refused:?}");
            };
            assert!(
                why.contains("transaction") && remedy.contains("settle"),
                "{why}; {remedy}"
            );
            if cfg!(target_os = "linux") {
                assert!(
                    why.contains("sqlite") && why.contains("process"),
                    "names the process that holds it: {why}"
                );
            }
        }
        app.attempt(1, "COMMIT").unwrap();
        assert_eq!(lines(&system.changes().await?), ["orders#1: paid 0 -> 5"]);
        system.restore(root).await?;
        assert_eq!(app.run("SELECT * FROM orders WHERE paid = 5"), 0);

        // A commit that comes while the run waits for it.
        app.attempt(1, "BEGIN IMMEDIATE").unwrap();
        app.attempt(1, "UPDATE orders SET paid = 6 WHERE id = 1")
            .unwrap();
        let late = tokio::join!(system.changes(), async { app.send(1, "COMMIT") }).0?;
        app.outcome().unwrap();
        assert_eq!(lines(&late), ["orders#1: paid 0 -> 6"]);
        system.close().await
    })
}

fn open_read(bench: &mut Bench) -> std::result::Result<(), Failed> {
    bench.block_on(async |bench| {
        let mut app = bench.app();
        let options = SqliteOptions {
            settle: Duration::from_millis(200),
            ..SqliteOptions::default()
        };
        let system = SqliteAdapter::open_with(&bench.path, options).await?;
        let root = begin(&system).await?;
        app.run("DELETE FROM orders");
        app.attempt(1, "BEGIN").unwrap();
        assert_eq!(app.attempt(1, "SELECT * FROM orders"), Ok(0));
        let restored = system.restore(root).await;
        if bench.mode == "WAL" {
            restored?;
            // A transaction sees what it saw.
            assert_eq!(app.attempt(1, "SELECT * FROM orders"), Ok(0));
        } else {
            assert!(matches!(restored, Err(Error::Busy { .. })), "{restored:?}");
            assert_eq!(
                app.attempt(0, "SELECT * FROM orders"),
                Ok(0),
                "nothing is half restored"
            );
        }
        app.attempt(1, "COMMIT").unwrap();
        system.restore(root).await?;
        assert_eq!(app.attempt(1, "SELECT * FROM orders"), Ok(2));
        system.close().await
    })
}

fn second_run_waits(bench: &mut Bench) -> std::result::Result<(), Failed> {
    bench.block_on(async |bench| {
        let _app = bench.app();
        let first = bench.open().await?;
        let heard = Arc::new(Mutex::new(Vec::new()));
        let hear = heard.clone();
        let impatient = SqliteOptions {
            lock_wait: Duration::from_millis(50),
            on_wait: Some(Arc::new(move |whom| {
                hear.lock().unwrap().push(whom.to_owned())
            })),
            ..SqliteOptions::default()
        };
        // The same file by another path.
        let link = bench.folder.path().join("linked.db");
        #[cfg(unix)]
        std::os::unix::fs::symlink(&bench.path, &link).unwrap();
        #[cfg(windows)]
        std::os::windows::fs::symlink_file(&bench.path, &link).unwrap();
        let refused = SqliteAdapter::open_with(&link, impatient.clone())
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

        let patient = SqliteOptions {
            lock_wait: Duration::from_secs(60),
            ..impatient
        };
        let (second, closed) =
            tokio::join!(SqliteAdapter::open_with(&link, patient), first.close());
        closed?;
        second?.close().await?;
        assert_eq!(bench.files_of_ours(), NOTHING);
        Ok(())
    })
}

fn waiting_is_told(bench: &mut Bench) -> std::result::Result<(), Failed> {
    static HEARD: Mutex<Vec<String>> = Mutex::new(Vec::new());

    bench.block_on(async |bench| {
        let _app = bench.app();
        let program = std::env::current_exe().unwrap();
        let mut other = Command::new(&program)
            .env(OTHER_RUN, &bench.path)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut output = BufReader::new(other.stdout.take().unwrap());
        let mut line = String::new();
        output.read_line(&mut line).unwrap();
        assert_eq!(line.trim(), "holds");

        // Other tests of this process wait too, for databases of their own.
        let path = bench.path.display().to_string();
        let heard = || {
            let heard = HEARD.lock().unwrap();
            heard
                .iter()
                .filter(|told| told.contains(&path))
                .cloned()
                .collect::<Vec<_>>()
        };
        venomqa_adapters::on_wait(|told| HEARD.lock().unwrap().push(told.into()));
        let mut options = SqliteOptions {
            lock_wait: Duration::from_millis(50),
            ..SqliteOptions::default()
        };
        let refused = SqliteAdapter::open_with(&bench.path, options.clone()).await;
        assert!(matches!(refused, Err(Error::Busy { .. })), "{refused:?}");
        let program = program.file_name().unwrap().to_string_lossy().into_owned();
        let holder = format!("waiting for {program} (process {})", other.id());
        assert!(
            matches!(heard().as_slice(), [told] if told.contains(&holder)),
            "{holder}: {:?}",
            heard()
        );

        let own = Arc::new(Mutex::new(0));
        let hear = own.clone();
        options.on_wait = Some(Arc::new(move |_| *hear.lock().unwrap() += 1));
        let refused = SqliteAdapter::open_with(&bench.path, options).await;
        assert!(refused.is_err());
        assert_eq!((*own.lock().unwrap(), heard().len()), (1, 1));
        drop(other.stdin.take());
        assert!(other.wait().unwrap().success());
        Ok(())
    })
}
