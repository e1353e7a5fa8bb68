//! Random commands on keys of all types and random jumps in a tree of checkpoints, compared by full dumps; and runs that are
//! killed at random moments.
//!
//! `VENOMQA_FUZZ_JUMPS` (2000 in total by default), `VENOMQA_FUZZ_KILLS` (100 in total) and `VENOMQA_FUZZ_SEED` change the walk.
#![cfg(unix)]

#[path = "redis/app.rs"]
mod app;
#[path = "redis/hostile.rs"]
mod hostile;
#[path = "redis/look.rs"]
mod look;

use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use libtest_mimic::{Arguments, Failed, Trial};
use venomqa_adapters::conformance::{Conformance, Dice};
use venomqa_adapters::{Checkpoint, RedisMode, RedisOptions, System};
use venomqa_tests::servers::Redis;

use app::{App, CONNECTIONS};
use hostile::Hostile;
use look::Looker;

fn main() {
    app::become_app_if_asked();
    become_run_if_asked();
    let arguments = Arguments::from_args();
    let server = Arc::new(LazyLock::new(Redis::start));
    let trial = |name: &str, test: fn(&Redis) -> Result<(), Failed>| {
        let server = server.clone();
        Trial::test(name, move || test(&server))
    };
    let trials = vec![
        trial("jumps_by_tracking", |server| {
            jumps(server, [0, 1], RedisMode::Tracking)
        }),
        trial("jumps_by_dumps", |server| {
            jumps(server, [2, 3], RedisMode::Dump)
        }),
        trial("kills_by_tracking", |server| {
            kills(server, [4, 5], RedisMode::Tracking)
        }),
        trial("kills_by_dumps", |server| {
            kills(server, [6, 7], RedisMode::Dump)
        }),
    ];
    let conclusion = libtest_mimic::run(&arguments, trials);
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

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime")
}

fn options(url: &str, databases: [u32; 2], mode: RedisMode, folder: &Path) -> RedisOptions {
    let options = RedisOptions::from_url(url).expect("a URL");
    options.databases(databases).mode(mode).state_folder(folder)
}

fn jumps(server: &Redis, databases: [u32; 2], mode: RedisMode) -> Result<(), Failed> {
    let folder = tempfile::tempdir()?;
    let mut workload = Hostile::start(|database| server.url(database), databases);
    // Reading all keys every time is slower, and has less that could go wrong.
    let fifths = if mode == RedisMode::Dump { 1 } else { 4 };
    let kit = Conformance {
        seed: seed(),
        steps: number("VENOMQA_FUZZ_JUMPS", 2000) * fifths / 5 + 20,
        checkpoints: 30,
    };
    runtime().block_on(async {
        let options = options(&server.url(databases[0]), databases, mode, folder.path());
        let system = options.connect().await?;
        let walk = kit.check(&system, &mut workload).await;
        assert!(
            walk.jumps >= kit.steps && walk.changes > kit.steps,
            "{walk:?}"
        );
        assert!(
            workload.applied > kit.steps,
            "{} commands succeeded",
            workload.applied
        );
        Ok(())
    })
}

const RUN: &str = "VENOMQA_TEST_RUN_URL";
const HOW: &str = "VENOMQA_TEST_RUN_HOW";
const DATABASES: &str = "VENOMQA_TEST_RUN_DATABASES";
const FOLDER: &str = "VENOMQA_TEST_RUN_FOLDER";
const RUN_SEED: &str = "VENOMQA_TEST_RUN_SEED";

/// Becomes a run that explores until it is killed, if this process was started as one.
fn become_run_if_asked() {
    let Ok(base) = std::env::var(RUN) else { return };
    let text = |name: &str| std::env::var(name).expect(name);
    let mode = match text(HOW).as_str() {
        "Dump" => RedisMode::Dump,
        _ => RedisMode::Tracking,
    };
    let first: u32 = text(DATABASES).parse().expect("a number");
    let databases = [first, first + 1];
    let urls = databases.map(|database| format!("{base}/{database}"));
    let mut dice = Dice::new(number(RUN_SEED, 0) as u64);
    let mut app = App::start(&urls);
    let folder = PathBuf::from(text(FOLDER));
    runtime().block_on(async {
        loop {
            let options = options(&urls[0], databases, mode, &folder);
            explore(options, databases, &mut app, &mut dice)
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
    options: RedisOptions,
    databases: [u32; 2],
    app: &mut App,
    dice: &mut Dice,
) -> venomqa_adapters::Result<()> {
    got_on();
    let system = options.connect().await?;
    let mut checkpoints = vec![system.begin(&mut |_, _| {}).await?.checkpoint];
    for _ in 0..6 {
        for _ in 0..5 {
            let connection = dice.below(CONNECTIONS);
            let commands = hostile::commands(dice, databases[1 - connection % 2]);
            if commands[0][0] != b"SWAPDB" {
                let _ = app.attempt(connection, &commands);
            }
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

fn kills(server: &Redis, databases: [u32; 2], mode: RedisMode) -> Result<(), Failed> {
    let folder = tempfile::tempdir()?;
    let workload = Hostile::start(|database| server.url(database), databases);
    let base = server.url(0);
    let base = base.trim_end_matches("/0");
    let mut looker = Looker::open(&server.url(databases[0]), &databases);
    // The application of the run is another one.
    drop(workload);
    let root = looker.dump();
    let mut dice = Dice::new(seed());
    let (mut left_something, kills) = (0, number("VENOMQA_FUZZ_KILLS", 100) / 2);
    for kill in 0..kills {
        let mut run = Command::new(std::env::current_exe()?)
            .env(RUN, base)
            .env(HOW, format!("{mode:?}"))
            .env(DATABASES, databases[0].to_string())
            .env(FOLDER, folder.path())
            .env(RUN_SEED, dice.below(1_000_000).to_string())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()?;
        let mut lines = BufReader::new(run.stdout.take().ok_or("no output")?).lines();
        // The moment of death is the random input here: often while it begins, or a few steps and a little more later.
        let steps = if dice.percent(25) {
            1
        } else {
            dice.below(24) + 2
        };
        assert!(lines.by_ref().take(steps).all(|line| line.is_ok()));
        std::thread::sleep(Duration::from_micros(dice.below(3_000) as u64));
        run.kill()?;
        run.wait()?;
        // Its application shares this output, and ends on its own once it has nobody to talk to.
        let mut said = run.stderr.take().ok_or("no output")?;
        said.read_to_end(&mut Vec::new())?;
        left_something += usize::from(looker.dump() != root);
        if dice.percent(40) && kill + 1 < kills {
            // The next run finds what this one left, and may be killed while it ends it.
            continue;
        }
        let options = options(&server.url(databases[0]), databases, mode, folder.path());
        runtime().block_on(options.cleanup())?;
        let restored = looker.dump();
        assert!(
            restored == root,
            "seed {}, kill {kill}\n{root}\n---\n{restored}",
            seed()
        );
        assert_eq!(
            std::fs::read_dir(folder.path())?.count(),
            0,
            "files are left"
        );
    }
    assert!(
        left_something * 4 > kills,
        "{left_something} of {kills} kills left something to restore"
    );
    Ok(())
}
