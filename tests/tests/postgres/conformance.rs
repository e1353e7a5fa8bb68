//! The kit, on a database that a hostile application writes to.

use std::sync::{Arc, LazyLock};

use libtest_mimic::{Failed, Trial};
use venomqa_adapters::PostgresAdapter;
use venomqa_adapters::conformance::Conformance;
use venomqa_tests::servers::Postgres;

use crate::bench::{NOTHING, in_database};
use crate::hostile::{Hostile, SCHEMA};

pub(crate) fn trials(server: &Arc<LazyLock<Postgres>>) -> Vec<Trial> {
    let server = server.clone();
    vec![Trial::test("conformance_Journal", move || journal(&server))]
}

fn journal(server: &Postgres) -> Result<(), Failed> {
    in_database(server, SCHEMA, async |bench| {
        let mut workload = Hostile::start(&bench.url).await;
        let before = workload.looker.full_dump().await;
        let system = PostgresAdapter::connect(&bench.url).await?;
        let kit = Conformance {
            steps: 200,
            seed: 4,
            ..Conformance::default()
        };
        let walk = kit.check(&system, &mut workload).await;
        assert!(walk.jumps > 150 && walk.changes > 150, "{walk:?}");
        assert_eq!(workload.looker.full_dump().await, before);
        assert_eq!(workload.looker.ours().await, NOTHING);
        Ok(())
    })
}
