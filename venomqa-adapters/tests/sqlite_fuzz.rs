//! Random statements on a hostile schema and random jumps in a tree of checkpoints, compared by full dumps; and runs that are
//! killed at random moments.
//!
//! `VENOMQA_FUZZ_JUMPS` (2000 in total by default), `VENOMQA_FUZZ_KILLS` (100 in total) and `VENOMQA_FUZZ_SEED` change the walk.

mod app;
#[path = "app/same_process.rs"]
mod same_process;

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use libtest_mimic::{Arguments, Failed, Trial};
use venomqa_adapters::conformance::{Conformance, Dice, Workload};
use venomqa_adapters::{Checkpoint, SqliteAdapter, SqliteMode, SqliteOptions, System};

use app::hostile::Hostile;
use same_process::SameProcess;

fn main() {
    app::become_app_if_asked();
    become_run_if_asked();
    let mut trials = vec![Trial::test("jumps_in_memory", jumps_in_memory)];
    for mode in ["WAL", "DELETE"] {
        trials.push(Trial::test(format!("jumps_in_{mode}_mode"), move || {
            jumps(mode)
        }));
        for how in ["Journal", "Auto", "Backup"] {
            let name = format!("kills_in_{mode}_mode_by_{how}");
            trials.push(Trial::test(name, move || kills(mode, how)));
        }
    }
    libtest_mimic::run(&Arguments::from_args(), trials).exit();
}

fn number(variable: &str, otherwise: usize) -> usize {
    let set = std::env::var(variable).ok();
    set.map_or(otherwise, |value| value.parse().expect(variable))
}

fn seed() -> u64 {
    number("VENOMQA_FUZZ_SEED", 1) as u64
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .expect("a runtime")
}

fn kit() -> Conformance {
    Conformance {
        seed: seed(),
        steps: number("VENOMQA_FUZZ_JUMPS", 2000) / 3 + 20,
        checkpoints: 30,
    }
}

fn jumps(mode: &'static str) -> Result<(), Failed> {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("hostile.db");
    let mut workload = Hostile::start(&path, mode, &[]);
    runtime().block_on(async {
        let options = SqliteOptions {
            mode: SqliteMode::Journal,
            ..SqliteOptions::default()
        };
        let system = SqliteAdapter::open_with(&path, options).await?;
        let walk = kit().check(&system, &mut workload).await;
        assert!(
            walk.jumps > kit().steps && walk.changes > kit().steps,
            "{walk:?}"
        );
        assert!(
            workload.applied > kit().steps,
            "{} statements succeeded",
            workload.applied
        );
        assert_eq!(workload.looker.ours(), [""; 0]);
        assert_eq!(workload.looker.damage(), [""; 0]);
        Ok(())
    })
}

fn jumps_in_memory() -> Result<(), Failed> {
    runtime().block_on(async {
        let system = SqliteAdapter::in_memory()?;
        let mut workload = SameProcess::start(system.uri());
        workload.make();
        let walk = kit().check(&system, &mut workload).await;
        assert!(
            walk.jumps > kit().steps && walk.changes > kit().steps,
            "{walk:?}"
        );
        Ok(())
    })
}

const RUN: &str = "VENOMQA_TEST_RUN_DATABASE";
const HOW: &str = "VENOMQA_TEST_RUN_HOW";
const RUN_SEED: &str = "VENOMQA_TEST_RUN_SEED";

/// Becomes a run that explores until it is killed, if this process was started as one.
fn become_run_if_asked() {
    let Some(database) = std::env::var_os(RUN).map(PathBuf::from) else {
        return;
    };
    let mode = match std::env::var(HOW).as_deref() {
        Ok("Journal") => SqliteMode::Journal,
        Ok("Backup") => SqliteMode::Backup,
        _ => SqliteMode::Auto,
    };
    let mut dice = Dice::new(number(RUN_SEED, 0) as u64);
    let mut api = SameProcess::start(&database);
    runtime().block_on(async {
        loop {
            let options = SqliteOptions {
                mode,
                ..SqliteOptions::default()
            };
            explore(&database, options, &mut api, &mut dice)
                .await
                .expect("nobody is in the way");
        }
    });
}

/// Lets the test know that the run got on, for it to choose a moment to kill it.
fn got_on() {
    writeln!(std::io::stdout(), "on").expect("the test listens");
}

async fn explore(
    database: &Path,
    options: SqliteOptions,
    api: &mut SameProcess,
    dice: &mut Dice,
) -> venomqa_adapters::Result<()> {
    let changing_schema = options.mode == SqliteMode::Auto && dice.percent(50);
    let system = SqliteAdapter::open_with(database, options).await?;
    let mut checkpoints = vec![system.begin(&mut |_, _| {}).await?.checkpoint];
    for _ in 0..6 {
        for _ in 0..5 {
            api.change(dice).await;
        }
        // Many rows, for a restore to take a while.
        api.run("WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 300) INSERT INTO bare SELECT i, i FROM n");
        if changing_schema && dice.percent(30) {
            api.run("CREATE TABLE IF NOT EXISTS late(x); INSERT INTO late VALUES(1); DROP TABLE IF EXISTS hides");
        }
        got_on();
        checkpoints.push(system.seal().await?.checkpoint);
        got_on();
        let to: Checkpoint = *dice.pick(&checkpoints);
        system.restore(to).await?;
        got_on();
    }
    got_on();
    system.close().await
}

fn kills(mode: &'static str, how: &'static str) -> Result<(), Failed> {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("hostile.db");
    let mut workload = Hostile::start(&path, mode, &[]);
    let root = workload.looker.dump();
    let mut dice = Dice::new(seed());
    let (mut left_something, kills) = (0, number("VENOMQA_FUZZ_KILLS", 100) / 6 + 1);
    for kill in 0..kills {
        let mut run = Command::new(std::env::current_exe()?)
            .env(RUN, &path)
            .env(HOW, how)
            .env(RUN_SEED, dice.below(1_000_000).to_string())
            .stdout(Stdio::piped())
            .spawn()?;
        let mut lines = BufReader::new(run.stdout.take().ok_or("no output")?).lines();
        // A few steps and a little more: the moment of death is the random input here.
        assert!(
            lines
                .by_ref()
                .take(dice.below(24) + 1)
                .all(|line| line.is_ok())
        );
        std::thread::sleep(Duration::from_micros(dice.below(4_000) as u64));
        run.kill()?;
        drop(lines);
        run.wait()?;
        left_something += usize::from(workload.looker.dump() != root);
        if dice.percent(40) && kill + 1 < kills {
            // The next run finds what this one left, and may be killed while it ends it.
            continue;
        }
        runtime().block_on(async {
            let next = SqliteAdapter::open(&path).await?;
            let restored = workload.looker.dump();
            assert!(
                restored == root,
                "seed {}, kill {kill}\n{root}\n---\n{restored}",
                seed()
            );
            assert_eq!(workload.looker.ours(), [""; 0]);
            next.close().await
        })?;
        assert_eq!(workload.app.run("SELECT * FROM plain"), 3);
        let ours = std::fs::read_dir(folder.path())?;
        let ours = ours.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
        assert_eq!(
            ours.filter(|file| file.contains("venomqa"))
                .collect::<Vec<_>>(),
            [""; 0]
        );
    }
    assert!(
        left_something * 4 > kills,
        "{left_something} of {kills} kills left something to restore"
    );
    assert_eq!(workload.looker.damage(), [""; 0]);
    Ok(())
}
