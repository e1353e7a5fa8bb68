use std::sync::Arc;

use super::base::Base;
use super::copy::Copy;
use super::definitions::{Definitions, Part};
use super::hold::Hold;
use super::install::MARKER;
use super::options::MySqlOptions;
use super::run::{self, Stage};
use super::schema::{Plan, quoted};
use super::stop::Stop;
use crate::database::patience::Patience;
use crate::{Error, Result};

/// Ends a run that did not end itself, and lets go.
pub(super) async fn cleanup(options: MySqlOptions) -> Result<()> {
    let hold = Hold::take(options).await?;
    recover(hold).await?.release().await;
    Ok(())
}

/// Ends a run that did not end itself: returns to its root and removes what it installed.
///
/// May be interrupted and repeated at any point: the record of the run goes last.
pub(super) async fn recover(hold: Hold) -> Result<Hold> {
    let mut patience = Patience::new(hold.options.settle);
    let mut base = Base::new(hold);
    loop {
        let stop = match attempt(&mut base).await {
            Ok(()) => return Ok(base.hold),
            Err(stop) => stop,
        };
        base.hold.give_up_attempt().await;
        if !stop.is_passing() || stop.is_lost() || !patience.lasts().await {
            return Err(base
                .hold
                .error(stop, "restore what a run before left")
                .await);
        }
    }
}

async fn attempt(base: &mut Base) -> Result<(), Stop> {
    let Hold {
        link,
        side,
        database,
        ..
    } = &mut base.hold;
    if !side.exists(link).await? {
        // Without its other half nothing depends on it.
        let marker = format!("{}.{}", quoted(database), quoted(MARKER));
        return link.run(&format!("DROP TABLE IF EXISTS {marker}")).await;
    }
    match Stage::read(link, side, database).await? {
        Stage::Running => return_to_root(base).await?,
        Stage::AtRoot | Stage::MadeAnew => {}
        Stage::Lost => return Err(lost(&base.hold, "the record of it is gone")),
    }
    base.hold.remove().await?;
    base.hold.be_impatient().await
}

async fn return_to_root(base: &mut Base) -> Result<(), Stop> {
    let Hold { link, side, .. } = &mut base.hold;
    let recorded = run::tables(link, side).await?;
    base.definitions = Definitions::recorded(link, &side.table("definitions")).await?;
    base.ignored = recorded.ignored;
    base.root_counters = Arc::new(recorded.counters);
    base.put_schema_back(Part::Tables).await?;
    let (link, database) = (&mut base.hold.link, &base.hold.database);
    base.plan = Plan::read(link, database, &base.ignored).await?;
    let same = base
        .plan
        .tables
        .iter()
        .map(|table| &table.name)
        .eq(&recorded.names);
    if !same || !base.plan.unfollowable.is_empty() {
        return Err(lost(&base.hold, "its tables are others now"));
    }
    let found = Copy::read_and_lock(base, Part::Tables).await?;
    base.found(found);
    let (way, counters) = (base.journal.way_to_root(), base.root_counters.clone());
    Copy::go(base, &way, &counters).await?;
    // What may fail for a right that is missing comes when the rows are safe.
    base.put_schema_back(Part::All).await?;
    Stage::at_root(&mut base.hold.link, &base.hold.side).await
}

fn lost(hold: &Hold, why: &str) -> Stop {
    Stop::Failed(Error::NotRestored {
        system: hold.system.clone(),
        why: format!("a run did not end, and {why}"),
        remedy: format!(
            "make the database anew, and `DROP DATABASE {}` (its tables hold the contents from before the run)",
            quoted(&hold.side.database)
        ),
    })
}
