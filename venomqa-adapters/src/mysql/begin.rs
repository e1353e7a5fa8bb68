use std::sync::Arc;

use super::base::{Base, lock};
use super::binlog::Binlog;
use super::counters::{self, counters};
use super::definitions::Part;
use super::hold::Hold;
use super::options::MySqlMode;
use super::position::Position;
use super::precheck::{Choice, choose};
use super::root::each_row;
use super::run::{self, Stage};
use super::savepoint::{Savepoint, Shared};
use super::schema::Plan;
use super::session::{Follow, Session};
use super::stop::Stop;
use crate::database::patience::Patience;
use crate::{Error, RowVisitor};

/// Makes the present contents the root, keeps what leads back to it, and tells every row.
///
/// Gives the hold back where that fails.
pub(super) async fn begin(
    hold: Hold,
    shared: Option<Shared>,
    visit: RowVisitor<'_>,
) -> Result<Session, Box<(Hold, Error)>> {
    let mut base = Base::new(hold);
    let begun = match prepare(&mut base).await {
        Ok(choice) => copy(&mut base, &choice, shared, visit)
            .await
            .map(|follow| (choice, follow)),
        Err(stop) => Err(stop),
    };
    match begun {
        Ok((choice, follow)) => Ok(Session::new(base, choice, follow)),
        Err(stop) => {
            base.hold.give_up_attempt().await;
            let error = base.hold.error(stop, "begin").await;
            // What cannot be removed now is removed by the next run.
            let _ = base.hold.start_over().await;
            Err(Box::new((base.hold, error)))
        }
    }
}

/// Looks at the schema, decides how to follow it, and makes room for a copy.
async fn prepare(base: &mut Base) -> Result<Choice, Stop> {
    base.hold.be_patient().await?;
    base.definitions = base.read_definitions().await?;
    let (hold, ignored) = (&mut base.hold, &base.ignored);
    base.plan = Plan::read(&mut hold.link, &hold.database, ignored).await?;
    let choice = choose(&mut hold.link, &hold.system, hold.options.mode, &base.plan).await?;
    hold.side
        .prepare(&mut hold.link, &base.plan, &base.definitions)
        .await?;
    base.hold.be_impatient().await?;
    Ok(choice)
}

/// Copies and tells the contents while nobody can change them.
async fn copy(
    base: &mut Base,
    choice: &Choice,
    shared: Option<Shared>,
    visit: RowVisitor<'_>,
) -> Result<Follow, Stop> {
    lock_all(base).await?;
    let (link, plan, side) = (&mut base.hold.link, &base.plan, &base.hold.side);
    side.fill(link, plan).await?;
    for number in plan.all() {
        let table = &plan.tables[number];
        let mut kept = (choice.mode == MySqlMode::Copy).then(Vec::new);
        let from = plan.qualified(number);
        each_row(link, table, &from, "", |image| {
            visit(&table.table, &image.row(&table.columns, &table.told));
            if let Some(kept) = &mut kept {
                kept.push(image);
            }
        })
        .await?;
        if let Some(kept) = kept {
            base.root.keep(number, kept);
        }
    }
    let set = link.sets(&counters::select(plan)).await?.pop();
    base.counters = Arc::new(counters(set.unwrap_or_default(), plan)?);
    base.root_counters = base.counters.clone();
    let end = match choice.mode {
        MySqlMode::Binlog => Position::shown(link.rows(link.server.log_status()).await?),
        _ => None,
    };
    run::write(link, side, plan, &base.ignored, &base.counters).await?;
    let savepoint = match shared {
        Some(shared) => Some(Savepoint::begin(shared, base).await?),
        None => None,
    };
    base.hold.link.run("UNLOCK TABLES").await?;
    expect_no_change_since(base).await?;
    Stage::running(&mut base.hold.link, &base.hold.side).await?;
    Ok(match (savepoint, end) {
        (Some(savepoint), _) => Follow::Savepoint(savepoint),
        (None, Some(end)) => Follow::Binlog(Box::new(Binlog::open(base, end).await?)),
        (None, None) => Follow::Copy,
    })
}

/// Whoever changed the schema while it was read and the contents were copied did so before the run began.
async fn expect_no_change_since(base: &mut Base) -> Result<(), Stop> {
    let Some(different) = base.schema_difference(Part::All).await? else {
        return Ok(());
    };
    Err(Stop::Failed(Error::Busy {
        system: base.hold.system.clone(),
        why: format!("another connection changed {different} while the run began"),
        remedy: "begin once the schema is made".into(),
    }))
}

/// Keeps others from writing, once nobody has a transaction open that did.
async fn lock_all(base: &mut Base) -> Result<(), Stop> {
    let read = base
        .plan
        .all()
        .map(|number| format!("{} READ", base.plan.qualified(number)));
    let write = base.hold.side.filled(&base.plan);
    let sql = lock(read.chain(write.into_iter().map(|name| format!("{name} WRITE"))));
    let mut patience = Patience::new(base.hold.options.settle);
    loop {
        match base.hold.link.run(&sql).await {
            Err(stop) if stop.is_locked() && patience.lasts().await => {}
            outcome => return outcome,
        }
    }
}
