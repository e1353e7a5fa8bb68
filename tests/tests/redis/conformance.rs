//! The kit, on two databases that a hostile application writes to.

use libtest_mimic::Failed;
use venomqa_adapters::RedisMode;
use venomqa_adapters::conformance::Conformance;

use crate::bench::Bench;
use crate::hostile::Hostile;

pub(crate) fn tracking(bench: &Bench<'_>) -> Result<(), Failed> {
    conformance(bench, RedisMode::Tracking)
}

pub(crate) fn dump(bench: &Bench<'_>) -> Result<(), Failed> {
    conformance(bench, RedisMode::Dump)
}

fn conformance(bench: &Bench<'_>, mode: RedisMode) -> Result<(), Failed> {
    let url = |database| bench.url(usize::from(database == bench.databases[1]));
    let mut workload = Hostile::start(url, bench.databases);
    bench.block_on(async |bench| {
        let options = bench.options().databases(bench.databases).mode(mode);
        let system = options.connect().await?;
        let kit = Conformance {
            seed: 4,
            ..Conformance::default()
        };
        let walk = kit.check(&system, &mut workload).await;
        assert!(walk.jumps > 250 && walk.changes > 250, "{walk:?}");
        assert!(
            workload.applied > 250,
            "{} commands succeeded",
            workload.applied
        );
        assert_eq!(bench.files(), [""; 0]);
        Ok(())
    })
}
