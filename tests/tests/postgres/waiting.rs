//! Others that are in the way.

use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use venomqa_adapters::{Error, PostgresAdapter, PostgresOptions, Result, System};

use crate::app::{App, NAME};
use crate::bench::{Bench, NOTHING};
use crate::trial::{ORDERS, Test, begin, lines, page_shows};

pub(crate) const TESTS: &[(&str, &str, Test)] = &[
    (
        "an_open_transaction_is_waited_for_and_then_named",
        ORDERS,
        |bench| Box::pin(open_transaction(bench)),
    ),
    ("a_prepared_transaction_is_named", ORDERS, |bench| {
        Box::pin(prepared_transaction(bench))
    }),
    (
        "a_transaction_that_only_reads_is_in_nobodys_way",
        ORDERS,
        |bench| Box::pin(open_read(bench)),
    ),
    ("who_locks_a_table_is_named", ORDERS, |bench| {
        Box::pin(locked(bench))
    }),
    (
        "who_begins_to_write_while_a_restore_is_on_its_way_is_waited_for",
        ORDERS,
        |bench| Box::pin(begins_meanwhile(bench)),
    ),
    (
        "nothing_is_lost_of_what_is_written_while_looks_go_on",
        ORDERS,
        |bench| Box::pin(written_between_looks(bench)),
    ),
    ("a_second_run_waits_for_the_first", ORDERS, |bench| {
        Box::pin(second_run(bench))
    }),
    (
        "who_comes_right_after_a_run_waits_for_nobody",
        ORDERS,
        |bench| Box::pin(right_after(bench)),
    ),
    (
        "who_is_waited_for_is_told_to_the_whole_process",
        ORDERS,
        |bench| Box::pin(waiting_is_told(bench)),
    ),
];

const OTHER_RUN: &str = "VENOMQA_TEST_OTHER_RUN_DATABASE";

/// Becomes a run that holds a database until its input ends, if this process was started as one.
pub(crate) fn become_other_run_if_asked() {
    let Ok(url) = std::env::var(OTHER_RUN) else {
        return;
    };
    let runtime = crate::bench::runtime();
    let system = runtime
        .block_on(PostgresAdapter::connect(&url))
        .expect("nobody holds it");
    writeln!(std::io::stdout(), "holds").expect("the test listens");
    let _ = std::io::stdin().read_line(&mut String::new());
    runtime.block_on(system.close()).expect("nothing has begun");
    std::process::exit(0);
}

async fn impatient(bench: &Bench) -> Result<PostgresAdapter> {
    let options = PostgresOptions::from_url(&bench.url)?.settle(Duration::from_millis(300));
    options
        .lock_timeout(Duration::from_millis(50))
        .connect()
        .await
}

fn expect_busy<T: std::fmt::Debug>(outcome: Result<T>, named: &[&str]) {
    let Err(Error::Busy { why, remedy, .. }) = &outcome else {
        panic!("{outcome:?}");
    };
    assert!(
        named.iter().all(|named| why.contains(named)),
        "{why} names {named:?}"
    );
    assert!(remedy.contains("PostgresOptions::settle"), "{remedy}");
}

async fn open_transaction(bench: &Bench) -> Result<()> {
    let mut app = App::start(&bench.url);
    let db = impatient(bench).await?;
    let open = |app: &mut App, paid: u32| {
        app.attempt(1, "BEGIN").expect("it begins");
        app.attempt(1, &format!("UPDATE orders SET paid = {paid} WHERE id = 1"))
            .expect("it writes");
    };
    open(&mut app, 4);
    let named = [
        NAME,
        "idle in transaction",
        "UPDATE orders SET paid = ",
        "keeps a transaction open",
    ];
    expect_busy(begin(&db).await, &named);
    app.attempt(1, "ROLLBACK").expect("it ends");
    let root = begin(&db).await?;
    open(&mut app, 5);
    expect_busy(db.changes().await, &named);
    expect_busy(db.seal().await, &named);
    expect_busy(db.restore(root).await, &named);
    page_shows(bench, &db.changes().await.expect_err("it is open"));
    app.attempt(1, "COMMIT").expect("it ends");
    assert_eq!(lines(&db.changes().await?), ["orders#1: paid 0 -> 5"]);
    db.restore(root).await?;
    assert_eq!(app.run("SELECT * FROM orders WHERE paid = 5"), 0);

    // A commit that comes while the run waits for it.
    open(&mut app, 6);
    let (late, ()) = tokio::join!(db.changes(), async { app.send(1, "COMMIT") });
    app.outcome().expect("it ends");
    assert_eq!(lines(&late?), ["orders#1: paid 0 -> 6"]);

    // An exploration that is given up in the middle leaves its rows for the next run to put back.
    open(&mut app, 7);
    expect_busy(db.close().await, &named);
    expect_busy(
        PostgresOptions::from_url(&bench.url)?
            .settle(Duration::from_millis(100))
            .cleanup()
            .await,
        &named,
    );
    app.attempt(1, "COMMIT").expect("it ends");
    PostgresAdapter::cleanup(&bench.url).await?;
    assert_eq!(app.run("SELECT * FROM orders WHERE paid = 0"), 1);
    assert_eq!(bench.looker().await.ours().await, NOTHING);
    Ok(())
}

async fn prepared_transaction(bench: &Bench) -> Result<()> {
    let mut app = App::start(&bench.url);
    let db = impatient(bench).await?;
    let root = begin(&db).await?;
    let gid = format!("late {}", bench.name);
    app.run("BEGIN");
    app.run("INSERT INTO notes VALUES ('prepared')");
    app.run(&format!("PREPARE TRANSACTION '{gid}'"));
    expect_busy(db.restore(root).await, &["the prepared transaction", &gid]);
    app.run(&format!("COMMIT PREPARED '{gid}'"));
    assert_eq!(
        lines(&db.restore(root).await?),
        ["notes added: line prepared"]
    );
    db.close().await
}

async fn open_read(bench: &Bench) -> Result<()> {
    let before = bench.looker().await.full_dump().await;
    let mut app = App::start(&bench.url);
    let db = impatient(bench).await?;
    let root = begin(&db).await?;
    app.attempt(1, "BEGIN ISOLATION LEVEL REPEATABLE READ")
        .expect("it begins");
    assert_eq!(app.attempt(1, "SELECT * FROM orders"), Ok(2));
    app.run("DELETE FROM orders");
    assert_eq!(db.changes().await?.len(), 2);
    db.restore(root).await?;
    assert_eq!(app.attempt(1, "SELECT * FROM orders"), Ok(2));
    // To remove the triggers takes a lock that a reader is in the way of.
    expect_busy(
        db.close().await,
        &[NAME, "SELECT * FROM orders", "holds a lock"],
    );
    // Until they are removed, the run is not over, and what is written is undone with it.
    app.run("INSERT INTO notes VALUES ('late')");
    app.attempt(1, "COMMIT").expect("it ends");
    PostgresAdapter::cleanup(&bench.url).await?;
    let mut looker = bench.looker().await;
    assert_eq!(looker.full_dump().await, before);
    assert_eq!(looker.ours().await, NOTHING);
    Ok(())
}

async fn locked(bench: &Bench) -> Result<()> {
    let mut app = App::start(&bench.url);
    let db = impatient(bench).await?;
    let root = begin(&db).await?;
    app.run("DELETE FROM orders");
    app.attempt(1, "BEGIN").expect("it begins");
    app.attempt(1, "LOCK TABLE orders IN SHARE MODE")
        .expect("it locks");
    expect_busy(
        db.restore(root).await,
        &[NAME, "LOCK TABLE orders", "holds a lock"],
    );
    page_shows(bench, &db.restore(root).await.expect_err("it is locked"));
    assert_eq!(
        app.attempt(1, "SELECT * FROM orders"),
        Ok(0),
        "nothing is half restored"
    );
    app.attempt(1, "COMMIT").expect("it ends");
    db.restore(root).await?;
    assert_eq!(app.run("SELECT * FROM orders"), 2);
    db.close().await
}

async fn begins_meanwhile(bench: &Bench) -> Result<()> {
    let mut app = App::start(&bench.url);
    let options = PostgresOptions::from_url(&bench.url)?.settle(Duration::from_millis(300));
    // Longer than the application holds the lock.
    let db = options
        .lock_timeout(Duration::from_secs(30))
        .connect()
        .await?;
    let root = begin(&db).await?;
    app.run("DELETE FROM orders");
    app.attempt(1, "BEGIN").expect("it begins");
    app.attempt(1, "LOCK TABLE orders IN SHARE MODE")
        .expect("it locks");
    // The restore finds nobody who writes, and waits for the lock; when it is given back, somebody does.
    let meanwhile = async {
        app.send(2, "BEGIN");
        app.send(2, "INSERT INTO notes VALUES ('open')");
        app.send(1, "COMMIT");
    };
    let (restored, ()) = tokio::join!(db.restore(root), meanwhile);
    (0..3).for_each(|_| assert!(app.outcome().is_ok()));
    expect_busy(restored, &[NAME, "INSERT INTO notes"]);
    assert_eq!(
        app.run("SELECT * FROM orders"),
        0,
        "nothing is half restored"
    );
    app.attempt(2, "COMMIT").expect("it ends");
    assert_eq!(
        lines(&db.restore(root).await?),
        [
            "notes added: line open",
            "orders#1 removed",
            "orders#2 removed"
        ]
    );
    db.close().await
}

async fn written_between_looks(bench: &Bench) -> Result<()> {
    const COMMITS: i64 = 20_000;
    let mut app = App::start(&bench.url);
    // A look that finds somebody writing gives up at once, and the next one takes its turn.
    let options = PostgresOptions::from_url(&bench.url)?.settle(Duration::ZERO);
    let db = options.connect().await?;
    let root = begin(&db).await?;
    app.send(
        0,
        &format!(
            "DO $$ BEGIN FOR i IN 1..{COMMITS} LOOP \
                UPDATE orders SET paid = i WHERE id = 1; COMMIT; IF i % 100 = 0 THEN PERFORM pg_sleep(0.002); END IF; \
             END LOOP; END $$"
        ),
    );
    let mut calm = 0;
    let paid = "SELECT paid FROM orders WHERE id = 1";
    while db.query(paid, ()).await?[0].get::<i64>("paid")? < COMMITS {
        for _ in 0..20 {
            calm += usize::from(db.changes().await.is_ok());
        }
    }
    assert_eq!(app.outcome(), Ok(0));
    assert!(calm > 0, "no look came through between two commits");
    let told = [format!("orders#1: paid 0 -> {COMMITS}")];
    assert_eq!(lines(&db.changes().await?), told);
    db.restore(root).await?;
    db.close().await
}

async fn second_run(bench: &Bench) -> Result<()> {
    let first = PostgresAdapter::connect(&bench.url).await?;
    begin(&first).await?;
    let heard = Arc::new(Mutex::new(Vec::new()));
    let hear = heard.clone();
    let options = PostgresOptions::from_url(&bench.url)?
        .on_wait(move |whom| hear.lock().expect("no panic").push(whom.to_owned()));
    let refused = options
        .clone()
        .lock_wait(Duration::from_millis(50))
        .connect()
        .await;
    let process = format!("process {}", std::process::id());
    let Err(Error::Busy { why, .. }) = &refused else {
        panic!("{refused:?}");
    };
    page_shows(bench, refused.as_ref().expect_err("it is one"));
    assert!(
        why.contains(&process) && why.contains("explores it"),
        "{why}"
    );
    let told = heard.lock().expect("no panic").clone();
    assert!(
        matches!(told.as_slice(), [told] if told.contains("waiting for") && told.contains(&process) && told.contains(&bench.name)),
        "{told:?}"
    );

    let (second, closed) = tokio::join!(options.connect(), first.close());
    closed?;
    second?.close().await
}

async fn right_after(bench: &Bench) -> Result<()> {
    let heard = Arc::new(Mutex::new(Vec::new()));
    for _ in 0..30 {
        let hear = heard.clone();
        let options = PostgresOptions::from_url(&bench.url)?
            .on_wait(move |whom| hear.lock().expect("no panic").push(whom.to_owned()));
        let db = options.connect().await?;
        begin(&db).await?;
        db.close().await?;
    }
    assert_eq!(*heard.lock().expect("no panic"), NOTHING);
    Ok(())
}

async fn waiting_is_told(bench: &Bench) -> Result<()> {
    static HEARD: Mutex<Vec<String>> = Mutex::new(Vec::new());

    let options = PostgresOptions::from_url(&bench.url)?.lock_wait(Duration::from_millis(50));
    let program = std::env::current_exe().expect("this program");
    let mut other = Command::new(&program)
        .env(OTHER_RUN, &bench.url)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("this program again");
    let mut output = BufReader::new(other.stdout.take().expect("piped"));
    let mut line = String::new();
    output.read_line(&mut line).expect("a line");
    assert_eq!(line.trim(), "holds");

    venomqa_adapters::on_wait(|told| HEARD.lock().expect("no panic").push(told.into()));
    let refused = options.cleanup().await;
    assert!(matches!(refused, Err(Error::Busy { .. })), "{refused:?}");
    let program = program
        .file_name()
        .expect("a name")
        .to_string_lossy()
        .into_owned();
    let holder = format!("waiting for {program} (process {})", other.id());
    // Other tests of this process wait too, for databases of their own.
    let heard = HEARD.lock().expect("no panic").clone();
    let heard: Vec<_> = heard
        .iter()
        .filter(|told| told.contains(&bench.name))
        .collect();
    assert!(
        matches!(heard.as_slice(), [told] if told.contains(&holder)),
        "{holder}: {heard:?}"
    );
    drop(other.stdin.take());
    assert!(other.wait().expect("it ends").success());
    Ok(())
}
