//! What a checkpoint and a rollback cost on each database, beside the same by a full copy. `cargo bench --bench rollback`
//!
//! The databases' servers are started from the installed programs. An argument runs only the databases whose name contains it.
#![expect(clippy::print_stdout, reason = "the figures are the result")]

mod case;
mod figures;
mod mysql;
mod postgres;
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
    /// Stores that many rows in each of the ten tables, and nothing else.
    async fn fill(&mut self, rows: usize);

    /// Changes that many rows, in several tables, as the application does.
    async fn change(&mut self, round: usize, rows: usize);

    /// What the table says of it besides the server and how it goes back.
    fn note(&self) -> &'static str {
        ""
    }

    /// Asks the server something that costs nothing.
    async fn round_trip(&mut self);

    /// An adapter that has not begun, in the mode that follows changes.
    async fn following(&mut self) -> Result<Box<dyn System>>;

    /// The same in the mode that takes full copies.
    async fn copying(&mut self) -> Result<Box<dyn System>>;
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
    println!("    full copy: the same by the mode that copies everything");
    runtime.block_on(async {
        if is_wanted("postgres") {
            measure(postgres::Tables::create().await).await?;
        }
        if is_wanted("mysql") {
            for counted in [false, true] {
                measure(mysql::Tables::create(counted).await).await?;
            }
        }
        if is_wanted("redis") {
            measure(redis::Keys::start()).await?;
        }
        if is_wanted("sqlite") {
            measure(sqlite::Tables::create()).await?;
        }
        Ok(())
    })
}

async fn measure(mut subject: impl Subject) -> Result<()> {
    for (number, case) in CASES.iter().enumerate() {
        subject.fill(case.rows).await;
        let system = subject.following().await?;
        let follows = run(&mut subject, case, &*system).await?;
        if number == 0 {
            println!("\n{}{}", follows.what, subject.note());
        }
        println!("{}", follows.line(case.name));
        let system = subject.copying().await?;
        let copies = run(&mut subject, case, &*system).await?;
        println!("{}", copies.line("  full copy"));
    }
    Ok(())
}

/// Changes something and takes it back, again and again.
async fn run(subject: &mut impl Subject, case: &Case, system: &dyn System) -> Result<Measured> {
    let root = system.begin(&mut |_, _| {}).await?.checkpoint;
    let about = system.about();
    let (mut checkpoint, mut rollback, mut both, mut bare) = Default::default();
    let begin = Instant::now();
    for round in 0..WARM_UP + ROUNDS {
        if begin.elapsed() > LIMIT && round > WARM_UP {
            break;
        }
        subject.change(round, case.changed).await;
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
            subject.round_trip().await;
            Times::add(&mut bare, start.elapsed());
        }
    }
    system.close().await?;
    Ok(Measured {
        what: format!("{}: {}", about.name, about.mechanism),
        checkpoint,
        rollback,
        both,
        bare,
    })
}
