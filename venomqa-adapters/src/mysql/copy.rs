use std::sync::Arc;

use super::base::{Base, NOTHING};
use super::counters::Counters;
use super::definitions::Part;
use super::image::Image;
use super::journal::Place;
use super::stop::Stop;
use crate::database::history::Delta;

/// The database is followed by comparing all of it with the root.
#[derive(Clone, Copy, Debug)]
pub(super) struct Copy;

impl Copy {
    /// Learns what is different from the root now.
    pub(super) async fn look(base: &mut Base) -> Result<(), Stop> {
        let tables = base.plan.all().collect();
        let (found, _) = base.read_standing(&tables, NOTHING).await?;
        base.found(found);
        base.expect_same_schema("").await
    }

    /// Reads the same, and keeps others from writing until the transaction ends that this begins.
    pub(super) async fn read_and_lock(
        base: &mut Base,
        part: Part,
    ) -> Result<Vec<(usize, Vec<Image>)>, Stop> {
        base.stand_still(NOTHING).await?;
        base.expect_same(part, "").await?;
        let tables = base.plan.all().collect();
        base.load_root(&tables).await?;
        base.hold.link.run("START TRANSACTION").await?;
        base.read(&tables, " FOR UPDATE").await
    }

    /// Goes a way in the transaction of that look.
    pub(super) async fn go(
        base: &mut Base,
        way: &Delta<Place, i64>,
        counters: &Arc<Counters>,
    ) -> Result<(), Stop> {
        base.write(NOTHING, way, NOTHING).await?;
        base.commit(way).await?;
        base.count_like(counters).await
    }
}
