//! Random statements on a hostile schema and random jumps in a tree of checkpoints, compared by full dumps; and runs that are
//! killed at random moments.
//!
//! `VENOMQA_FUZZ_JUMPS` (2000 by default), `VENOMQA_FUZZ_KILLS` (60) and `VENOMQA_FUZZ_SEED` change the walk.
#![cfg(unix)]

#[path = "postgres/app.rs"]
mod app;
#[path = "postgres/bench.rs"]
mod bench;
#[path = "postgres/hostile.rs"]
mod hostile;
#[path = "postgres/look.rs"]
mod look;

use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use libtest_mimic::{Arguments, Failed, Trial};
use venomqa_adapters::conformance::{Conformance, Dice};
use venomqa_adapters::{PostgresAdapter, PostgresMode, PostgresOptions, System};
use venomqa_tests::servers::Postgres;

use app::App;
use bench::{NOTHING, in_database, runtime};
use hostile::{Hostile, SCHEMA, statement};

/// Walks of the default run, each in a database of its own.
const WALKS: usize = 2;

fn main() {
    app::become_app_if_asked();
    become_run_if_asked();
    let arguments = Arguments::from_args();
    let server = Arc::new(LazyLock::new(Postgres::start));
    let mut trials = Vec::new();
    for walk in 0..WALKS as u64 {
        let server = server.clone();
        trials.push(Trial::test(format!("jumps_{walk}"), move || {
            jumps(&server, seed() + walk)
        }));
    }
    for mode in [
        PostgresMode::Journal,
        PostgresMode::Savepoint,
        PostgresMode::Template,
    ] {
        let server = server.clone();
        trials.push(Trial::test(format!("kills_by_{mode:?}"), move || {
            kills(&server, mode)
        }));
    }
    let conclusion = libtest_mimic::run(&arguments, trials);
    drop(server);
    conclusion.exit()
}

fn number(variable: &str, otherwise: usize) -> usize {
    let set = std::env::var(variable).ok();
    set.map_or(otherwise, |value| value.parse().expect(variable))
}

fn seed() -> u64 {
    number("VENOMQA_FUZZ_SEED", 1) as u64
}

fn jumps(server: &Postgres, seed: u64) -> Result<(), Failed> {
    in_database(server, SCHEMA, async |bench| {
        let mut workload = Hostile::start(&bench.url).await;
        let before = workload.looker.full_dump().await;
        let system = PostgresAdapter::connect(&bench.url).await?;
        let steps = number("VENOMQA_FUZZ_JUMPS", 2000) / WALKS;
        let kit = Conformance {
            seed,
            steps,
            checkpoints: 30,
        };
        let walk = kit.check(&system, &mut workload).await;
        assert!(walk.jumps >= steps && walk.changes > steps, "{walk:?}");
        assert!(
            workload.applied > steps,
            "{} statements succeeded",
            workload.applied
        );
        assert_eq!(workload.looker.full_dump().await, before);
        assert_eq!(workload.looker.ours().await, NOTHING);
        Ok(())
    })
}

const RUN: &str = "VENOMQA_TEST_RUN_DATABASE";
const MODE: &str = "VENOMQA_TEST_RUN_MODE";
const RUN_SEED: &str = "VENOMQA_TEST_RUN_SEED";

/// Becomes a run that explores until it is killed, if this process was started as one.
fn become_run_if_asked() {
    let Ok(url) = std::env::var(RUN) else {
        return;
    };
    let mode = match std::env::var(MODE).as_deref() {
        Ok("Savepoint") => PostgresMode::Savepoint,
        Ok("Template") => PostgresMode::Template,
        _ => PostgresMode::Journal,
    };
    let mut dice = Dice::new(number(RUN_SEED, 0) as u64);
    runtime().block_on(async {
        loop {
            explore(&url, mode, &mut dice)
                .await
                .expect("nobody is in the way");
        }
    });
}

/// Lets the test know that the run got on, for it to choose a moment to kill it.
fn got_on() {
    writeln!(std::io::stdout(), "on").expect("the test listens");
}

async fn explore(url: &str, mode: PostgresMode, dice: &mut Dice) -> venomqa_adapters::Result<()> {
    let db = PostgresOptions::from_url(url)?.mode(mode).connect().await?;
    let mut checkpoints = vec![db.begin(&mut |_, _| {}).await?.checkpoint];
    for _ in 0..6 {
        for _ in 0..5 {
            let sql = statement(dice);
            // Many are refused, and those of several statements would end the transaction of the savepoints.
            if !sql.starts_with("COPY") && !sql.starts_with("BEGIN") {
                let _ = db.execute(&sql, ()).await;
            }
        }
        // Many rows, for a restore to take a while.
        db.execute(
            "INSERT INTO nopk SELECT g, 'many', NULL FROM generate_series(1, 300) g",
            (),
        )
        .await?;
        got_on();
        checkpoints.push(db.seal().await?.checkpoint);
        got_on();
        checkpoints.retain(|&checkpoint| db.can_restore(checkpoint));
        db.restore(*dice.pick(&checkpoints)).await?;
        got_on();
    }
    db.close().await
}

/// How often the application writes while a cleanup is on its way.
const WRITES: usize = 20;

/// Says of itself whether the run was over.
const WRITE: &str = "INSERT INTO nopk SELECT 1, CASE WHEN to_regnamespace('_venomqa') IS NULL THEN 'after the end' ELSE 'before the end' END, NULL";

fn kills(server: &Postgres, mode: PostgresMode) -> Result<(), Failed> {
    in_database(server, SCHEMA, async |bench| {
        let root = bench.looker().await.full_dump().await;
        // Beside copies nobody may stay connected.
        let mut app = (mode != PostgresMode::Template).then(|| App::start(&bench.url));
        let count = |app: &mut Option<App>| app.as_mut().map(|app| app.run("SELECT * FROM nopk"));
        let rows = count(&mut app);
        let mut dice = Dice::new(seed());
        let (mut left_something, kills) = (0, number("VENOMQA_FUZZ_KILLS", 60) / 3);
        for kill in 0..kills {
            let mut run = Command::new(std::env::current_exe().expect("this program"))
                .env(RUN, &bench.url)
                .env(MODE, format!("{mode:?}"))
                .env(RUN_SEED, dice.below(1_000_000).to_string())
                .stdout(Stdio::piped())
                .spawn()
                .expect("this program again");
            let mut lines = BufReader::new(run.stdout.take().expect("piped")).lines();
            // A few steps and a little more: the moment of death is the random input here.
            let steps = dice.below(if mode == PostgresMode::Template {
                6
            } else {
                24
            });
            assert_eq!(lines.by_ref().take(steps).flatten().count(), steps);
            std::thread::sleep(Duration::from_micros(dice.below(8_000) as u64));
            run.kill().expect("killed");
            drop(lines);
            run.wait().expect("it ended");
            left_something += usize::from(!bench.looker().await.ours().await.is_empty());
            if dice.percent(40) && kill + 1 < kills {
                // The next run finds what this one left, and may be killed while it ends it.
                continue;
            }
            if let Some(app) = &mut app {
                for _ in 0..WRITES {
                    app.send(0, WRITE);
                }
            }
            PostgresAdapter::cleanup(&bench.url).await?;
            if let Some(app) = &mut app {
                for _ in 0..WRITES {
                    app.outcome().expect("it writes");
                }
                // What came after the end stays, and nothing else.
                app.run("DELETE FROM nopk WHERE y = 'after the end'");
            }
            let restored = bench.looker().await.full_dump().await;
            assert!(
                restored == root,
                "seed {}, kill {kill}\n{root}\n---\n{restored}",
                seed()
            );
            assert_eq!(bench.looker().await.ours().await, NOTHING);
        }
        // The application has kept its connections through all of it.
        assert_eq!(count(&mut app), rows);
        assert!(
            left_something * 4 > kills,
            "{left_something} of {kills} kills left something to restore"
        );
        Ok(())
    })
}
