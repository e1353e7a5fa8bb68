//! Random statements on a hostile schema and random jumps in a tree of checkpoints, compared by full dumps; and runs that are
//! killed at random moments.
//!
//! `VENOMQA_FUZZ_JUMPS` (2000 in total by default), `VENOMQA_FUZZ_KILLS` (30 in total) and `VENOMQA_FUZZ_SEED` change the walk.
#![cfg(unix)]

#[path = "mysql/app/mod.rs"]
mod app;

use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use libtest_mimic::{Arguments, Trial};
use mysql_async::prelude::Queryable;
use mysql_async::{Conn, Opts};
use venomqa_adapters::conformance::{Conformance, Dice, Workload};
use venomqa_adapters::{Checkpoint, MySqlAdapter, MySqlMode, MySqlOptions, Result, System};
use venomqa_tests::servers::MariaDb;

use app::block_on;
use app::dialect::Dialect;
use app::hostile::{Hostile, statement};
use app::same_process::SameProcess;

const MODES: [(&str, MySqlMode); 2] = [("binlog", MySqlMode::Binlog), ("copy", MySqlMode::Copy)];

fn main() {
    app::become_app_if_asked();
    become_run_if_asked();
    let server = MariaDb::start();
    let mut trials = Vec::new();
    for (name, mode) in MODES {
        let base = server.url("");
        trials.push(Trial::test(format!("jumps_by_{name}"), move || {
            Ok(block_on(jumps(&base, name, mode))?)
        }));
        let base = server.url("");
        trials.push(Trial::test(format!("kills_by_{name}"), move || {
            block_on(kills(&base, name));
            Ok(())
        }));
    }
    let base = server.url("");
    trials.push(Trial::test("jumps_by_savepoints", move || {
        Ok(block_on(jumps_by_savepoints(&base))?)
    }));
    let conclusion = libtest_mimic::run(&Arguments::from_args(), trials);
    drop(server);
    conclusion.exit();
}

fn number(variable: &str, otherwise: usize) -> usize {
    let set = std::env::var(variable).ok();
    set.map_or(otherwise, |value| value.parse().expect(variable))
}

fn seed() -> u64 {
    number("VENOMQA_FUZZ_SEED", 1) as u64
}

async fn database(base: &str, name: &str) -> String {
    let opts = Opts::from_url(base).expect("a URL");
    let mut conn = Conn::new(opts).await.expect("a connection");
    conn.query_drop(format!(
        "{}; CREATE DATABASE {name} CHARACTER SET utf8mb4",
        without(name)
    ))
    .await
    .expect("a database");
    format!("{base}{name}")
}

fn without(name: &str) -> String {
    format!(
        "SET foreign_key_checks = 0; DROP DATABASE IF EXISTS {name}; DROP DATABASE IF EXISTS _venomqa_{name}"
    )
}

/// A server that somebody named is left as it was.
async fn remove(url: &str) {
    let (base, name) = url.rsplit_once('/').expect("a database");
    let mut conn = Conn::new(Opts::from_url(&format!("{base}/")).expect("a URL"))
        .await
        .expect("a connection");
    conn.query_drop(without(name)).await.expect("it goes");
}

/// A walk with so many of a hundred of all jumps.
fn kit(percent: usize) -> Conformance {
    Conformance {
        seed: seed(),
        steps: number("VENOMQA_FUZZ_JUMPS", 2000) * percent / 100 + 20,
        checkpoints: 30,
    }
}

async fn jumps(base: &str, name: &str, mode: MySqlMode) -> Result<()> {
    let url = database(base, &format!("jumps_{name}")).await;
    let mut workload = Hostile::start(&url).await;
    // Copies are for small tests: the log has most of the jumps.
    let kit = kit(if mode == MySqlMode::Binlog { 80 } else { 15 });
    let system = MySqlOptions::from_url(&url)?.mode(mode).connect().await?;
    let walk = kit.check(&system, &mut workload).await;
    assert!(
        walk.jumps > kit.steps && walk.changes > kit.steps,
        "{walk:?}"
    );
    assert!(
        workload.applied > kit.steps,
        "{} statements succeeded",
        workload.applied
    );
    assert_eq!(workload.looker.ours().await, [""; 0]);
    assert_eq!(workload.looker.damage().await, [""; 0]);
    drop(workload);
    remove(&url).await;
    Ok(())
}

async fn jumps_by_savepoints(base: &str) -> Result<()> {
    let url = database(base, "jumps_savepoints").await;
    let mut outside = Hostile::start(&url).await.looker;
    let untouched = outside.dump().await;
    let options = MySqlOptions::from_url(&url)?.mode(MySqlMode::Savepoint);
    let system = Arc::new(options.connect().await?);
    let kit = kit(5);
    let walk = kit.check(&*system, &mut SameProcess(system.clone())).await;
    assert!(
        walk.jumps > kit.steps && walk.changes > kit.steps,
        "{walk:?}"
    );
    assert!(outside.dump().await == untouched);
    drop((system, outside));
    remove(&url).await;
    Ok(())
}

const RUN: &str = "VENOMQA_TEST_RUN_MYSQL";
const HOW: &str = "VENOMQA_TEST_RUN_HOW";
const RUN_SEED: &str = "VENOMQA_TEST_RUN_SEED";

/// Becomes a run that explores until it is killed, if this process was started as one.
fn become_run_if_asked() {
    let Ok(url) = std::env::var(RUN) else {
        return;
    };
    let how = std::env::var(HOW).expect("a mode");
    let mode = MODES
        .iter()
        .find(|(name, _)| *name == how)
        .expect("a mode")
        .1;
    let mut dice = Dice::new(number(RUN_SEED, 0) as u64);
    block_on(async {
        let mut api = Conn::new(Opts::from_url(&url).expect("a URL"))
            .await
            .expect("a connection");
        let dialect = Dialect::of(&mut api).await;
        let many = dialect.sql("INSERT INTO bare SELECT seq, seq, seq FROM seq_1_to_300");
        loop {
            let explored = explore(&url, mode, &mut api, &many, &mut dice).await;
            explored.expect("nobody is in the way");
        }
    });
}

/// Lets the test know that the run got on, for it to choose a moment to kill it.
fn got_on() {
    writeln!(std::io::stdout(), "on").expect("the test listens");
}

async fn explore(
    url: &str,
    mode: MySqlMode,
    api: &mut Conn,
    many: &str,
    dice: &mut Dice,
) -> Result<()> {
    let system = MySqlOptions::from_url(url)?.mode(mode).connect().await?;
    got_on();
    let mut checkpoints = vec![system.begin(&mut |_, _| {}).await?.checkpoint];
    for _ in 0..6 {
        for _ in 0..5 {
            if api.query_drop(statement(dice)).await.is_err() {
                api.query_drop("ROLLBACK").await.expect("a rollback");
            }
        }
        // Many rows, for a restore to take a while.
        api.query_drop(many).await.expect("rows");
        got_on();
        checkpoints.push(system.seal().await?.checkpoint);
        got_on();
        let to: Checkpoint = *dice.pick(&checkpoints);
        system.restore(to).await?;
        got_on();
    }
    if dice.percent(50) {
        // The end of such a run has more to put back.
        let schema = "ALTER TABLE bare ADD COLUMN late INT; CREATE TABLE late(x INT); DROP VIEW pairs; DROP TABLE computed";
        api.query_drop(schema)
            .await
            .expect("a change of the schema");
    }
    got_on();
    system.close().await
}

async fn kills(base: &str, how: &str) {
    let url = database(base, &format!("kills_{how}")).await;
    let mut workload = Hostile::start(&url).await;
    let root = workload.looker.dump().await;
    let mut dice = Dice::new(seed());
    let (mut left_something, kills) = (0, number("VENOMQA_FUZZ_KILLS", 30) / 2 + 1);
    for kill in 0..kills {
        let mut run = Command::new(std::env::current_exe().expect("this program"))
            .env(RUN, &url)
            .env(HOW, how)
            .env(RUN_SEED, dice.below(1_000_000).to_string())
            .stdout(Stdio::piped())
            .spawn()
            .expect("this program again");
        let mut lines = BufReader::new(run.stdout.take().expect("piped")).lines();
        // A few steps and a little more: the moment of death is the random input here.
        for _ in 0..=dice.below(24) {
            let line = lines.next().expect("the run goes on");
            line.expect("a line");
        }
        std::thread::sleep(Duration::from_micros(dice.below(30_000) as u64));
        // One that ended itself was not killed at all.
        let ended = run.try_wait().expect("its state");
        assert!(ended.is_none(), "seed {}, kill {kill}: {ended:?}", seed());
        run.kill().expect("killed");
        drop(lines);
        run.wait().expect("it ended");
        left_something += usize::from(!workload.looker.ours().await.is_empty());
        if dice.percent(40) && kill + 1 < kills {
            // The next run finds what this one left, and may be killed while it ends it.
            continue;
        }
        MySqlAdapter::cleanup(&url)
            .await
            .expect("nobody is in the way");
        let restored = workload.dump().await;
        assert!(
            restored == root,
            "seed {}, kill {kill}\n{root}\n---\n{restored}",
            seed()
        );
        assert_eq!(workload.looker.ours().await, [""; 0]);
        assert_eq!(workload.app.run("SELECT * FROM plain"), 3);
    }
    assert!(
        left_something * 2 > kills,
        "{left_something} of {kills} kills left something"
    );
    assert_eq!(workload.looker.damage().await, [""; 0]);
    drop(workload);
    remove(&url).await;
}
