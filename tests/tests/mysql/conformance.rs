//! The kit, on a database that a hostile application writes to.

use std::sync::Arc;

use libtest_mimic::{Failed, Trial};
use venomqa_adapters::MySqlMode;
use venomqa_adapters::conformance::Conformance;
use venomqa_tests::servers::MariaDb;

use crate::app::hostile::Hostile;
use crate::app::same_process::SameProcess;
use crate::bench::{Bench, NOTHING};

type Outcome = std::result::Result<(), Failed>;

pub(crate) fn trials(server: &MariaDb) -> Vec<Trial> {
    let trial = |name: &'static str, check: fn(&mut Bench) -> Outcome| {
        let base = server.url("");
        Trial::test(name, move || check(&mut Bench::new(&base, name)))
    };
    vec![
        trial("conformance_by_binlog", |bench| {
            conformance(bench, MySqlMode::Binlog, 250)
        }),
        trial("conformance_by_copy", |bench| {
            conformance(bench, MySqlMode::Copy, 100)
        }),
        trial("conformance_by_savepoints", savepoints),
    ]
}

fn conformance(bench: &mut Bench, mode: MySqlMode, steps: usize) -> Outcome {
    bench.block_on(async |bench| {
        bench.make().await;
        let mut workload = Hostile::start(&bench.url()).await;
        let system = bench.options().mode(mode).connect().await?;
        let kit = Conformance {
            steps,
            seed: 4,
            ..Conformance::default()
        };
        let walk = kit.check(&system, &mut workload).await;
        assert!(walk.jumps > steps && walk.changes > steps, "{walk:?}");
        assert!(
            workload.applied > steps,
            "{} statements succeeded",
            workload.applied
        );
        assert_eq!(workload.looker.ours().await, NOTHING);
        assert_eq!(workload.looker.damage().await, NOTHING);
        Ok(())
    })
}

fn savepoints(bench: &mut Bench) -> Outcome {
    bench.block_on(async |bench| {
        bench.make().await;
        let mut outside = Hostile::start(&bench.url()).await.looker;
        let untouched = outside.dump().await;
        let system = bench.options().mode(MySqlMode::Savepoint).connect().await?;
        let system = Arc::new(system);
        let kit = Conformance {
            steps: 100,
            seed: 2,
            ..Conformance::default()
        };
        let walk = kit.check(&*system, &mut SameProcess(system.clone())).await;
        assert!(walk.jumps > 100 && walk.refusals > 10, "{walk:?}");
        // The counters too, which no savepoint brings back.
        assert!(outside.dump().await == untouched);
        assert_eq!(outside.ours().await, NOTHING);
        Ok(())
    })
}
