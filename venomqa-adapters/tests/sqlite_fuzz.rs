//! Random statements on a hostile schema and random jumps in a tree of checkpoints, compared by full dumps.
//!
//! `VENOMQA_FUZZ_JUMPS` (2000 in total by default) and `VENOMQA_FUZZ_SEED` change the walk.

mod app;

use libtest_mimic::{Arguments, Failed, Trial};
use venomqa_adapters::SqliteAdapter;
use venomqa_adapters::conformance::Conformance;

use app::hostile::Hostile;

fn main() {
    app::become_app_if_asked();
    let trials = ["WAL", "DELETE"]
        .map(|mode| Trial::test(format!("jumps_in_{mode}_mode"), move || fuzz(mode)));
    libtest_mimic::run(&Arguments::from_args(), trials.into()).exit();
}

fn number(variable: &str, otherwise: usize) -> usize {
    let set = std::env::var(variable).ok();
    set.map_or(otherwise, |value| value.parse().expect(variable))
}

fn fuzz(mode: &'static str) -> Result<(), Failed> {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("hostile.db");
    let mut workload = Hostile::start(&path, mode, &[]);
    let kit = Conformance {
        seed: number("VENOMQA_FUZZ_SEED", 1) as u64,
        steps: number("VENOMQA_FUZZ_JUMPS", 2000) / 2 + 20,
        checkpoints: 30,
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()?;
    runtime.block_on(async {
        let system = SqliteAdapter::open(&path).await?;
        let walk = kit.check(&system, &mut workload).await;
        assert!(
            walk.jumps >= kit.steps && walk.changes > kit.steps,
            "{walk:?}"
        );
        assert_eq!(workload.looker.ours(), [""; 0]);
        assert_eq!(workload.looker.damage(), [""; 0]);
        Ok(())
    })
}
