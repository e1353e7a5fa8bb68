//! What a checkpoint and a rollback cost on each database, beside the same by a full copy. `cargo bench --bench rollback`
//!
//! The databases' servers are started from the installed programs. An argument runs only the databases whose name contains it.
#![expect(clippy::print_stdout, reason = "the figures are the result")]

mod case;
mod figures;
#[cfg(unix)]
mod redis;
mod sqlite;

use std::time::{Duration, Instant};

use case::{CASES, Case};
use figures::{Measured, Times};
use venomqa_adapters::{Result, System};

/// How often each case is measured, unless that takes too long, and how often before that.
const ROUNDS: usize = 600;
const WARM_UP: usize = 3;
const LIMIT: Duration = Duration::from_secs(8);

/// A database with ten tables, the application that writes to it, and how both are measured.
trait Subject {
    /// As the table names it, with the server's version and the mechanism.
    fn name(&self) -> String;

    /// Stores that many rows in each of the ten tables, and nothing else.
    fn fill(&mut self, rows: usize);

    /// Changes that many rows, in several tables, as the application does.
    fn change(&mut self, round: usize, rows: usize);

    /// Asks the server something that costs nothing.
    fn round_trip(&mut self);

    /// The adapter, which has not begun.
    fn adapter(&self) -> impl Future<Output = Result<Box<dyn System>>>;

    /// An adapter that takes full copies.
    fn copying(&self) -> impl Future<Output = Result<Box<dyn System>>>;
}

fn main() -> Result<()> {
    let wanted: Vec<_> = std::env::args()
        .skip(1)
        .filter(|word| !word.starts_with('-'))
        .collect();
    let is_wanted = |name: &str| wanted.is_empty() || wanted.iter().any(|word| name.contains(word));
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let runtime = runtime.expect("a runtime");
    println!("{}", figures::heading());
    for case in CASES {
        println!("{}", case.legend());
    }
    #[cfg(unix)]
    if is_wanted("redis") {
        runtime.block_on(measure(redis::Keys::start()))?;
    }
    if is_wanted("sqlite") {
        runtime.block_on(measure(sqlite::Tables::create()))?;
    }
    Ok(())
}

async fn measure(mut subject: impl Subject) -> Result<()> {
    println!("\n{}", subject.name());
    for case in CASES {
        subject.fill(case.rows);
        let follows = run(&mut subject, case, false).await?;
        println!("{}", follows.line(case.name));
        let copies = run(&mut subject, case, true).await?;
        println!("{}", copies.line("  full copy"));
    }
    Ok(())
}

/// Changes something and takes it back, again and again.
async fn run(subject: &mut impl Subject, case: &Case, copying: bool) -> Result<Measured> {
    let system = match copying {
        false => subject.adapter().await?,
        true => subject.copying().await?,
    };
    let root = system.begin(&mut |_, _| {}).await?.checkpoint;
    let (mut checkpoint, mut rollback, mut both, mut bare) = Default::default();
    let begin = Instant::now();
    for round in 0..WARM_UP + ROUNDS {
        if begin.elapsed() > LIMIT && round > WARM_UP {
            break;
        }
        subject.change(round, case.changed);
        let start = Instant::now();
        let changes = system.changes().await?;
        let sealed = system.seal().await?.checkpoint;
        let saved = start.elapsed();
        system.restore(root).await?;
        let all = start.elapsed();
        assert!(changes.len() >= case.changed, "{} changes", changes.len());
        system.release(sealed);
        if round >= WARM_UP {
            Times::add(&mut checkpoint, saved);
            Times::add(&mut rollback, all - saved);
            Times::add(&mut both, all);
            let start = Instant::now();
            subject.round_trip();
            Times::add(&mut bare, start.elapsed());
        }
    }
    system.close().await?;
    Ok(Measured {
        checkpoint,
        rollback,
        both,
        bare,
    })
}
