use sqlx::{Connection, Executor};

use super::contents::each_row;
use super::install::{install, remember_sequences};
use super::link::Link;
use super::precheck::Precheck;
use super::recover;
use super::run::Run;
use super::schema::Plan;
use super::sequences::Sequences;
use super::stop::Stop;
use crate::database::patience::Patience;
use crate::database::told::Told;
use crate::{About, Result, RowVisitor};

/// What a run starts with: everything that leads back to it is in the database.
#[derive(Debug)]
pub(super) struct Rooted {
    pub(super) plan: Plan,
    pub(super) run: Run,
    pub(super) sequences: Sequences,
    pub(super) about: About,
}

/// Makes the present contents the root: installs what follows them, and tells every row.
pub(super) async fn take(link: &mut Link, told: &Told, visit: RowVisitor<'_>) -> Result<Rooted> {
    let location = link.location.clone();
    let mut patience = Patience::new(location.options.settle);
    let mut begun = false;
    loop {
        let mut visit: &mut (dyn FnMut(&_, &_) + Send) = &mut |table, row| {
            begun = true;
            visit(table, row);
        };
        let stop = match attempt(link, told, &mut visit).await {
            Ok(rooted) => return Ok(rooted),
            Err(stop) => stop,
        };
        if stop.is_lost() {
            link.break_off();
        }
        // What was told once is not told again.
        if begun || !stop.is_passing() || !patience.lasts().await {
            return Err(stop.into_error(&location, "begin").await);
        }
    }
}

async fn attempt(link: &mut Link, told: &Told, visit: RowVisitor<'_>) -> Result<Rooted, Stop> {
    let location = link.location.clone();
    // An attempt of which only the answer was lost has left all that it installed.
    if let Some(missed) = recover::end(link).await? {
        return Err(Stop::Failed(missed));
    }
    let plan = Plan::read(link.db().await?, &location.options).await?;
    plan.check(link.db().await?, &location, told).await?;
    // Nor does what is installed count as a change of the schema then.
    let silent = link.silence().await?;
    let precheck = Precheck::pass(link.db().await?, &location, &plan, silent).await?;
    let mut transaction = link.db().await?.begin().await?;
    // What leads back outlives a crash of the server from here on.
    transaction
        .execute("SET LOCAL synchronous_commit = on")
        .await?;
    install(&mut transaction, &plan, precheck.superuser).await?;
    for table in &plan.tables {
        each_row(&mut transaction, table, visit).await?;
    }
    remember_sequences(&mut transaction, &plan).await?;
    let sequences = Sequences::read(&mut transaction).await?;
    let run = Run::begin(&mut transaction).await?;
    transaction.commit().await?;
    let about = precheck.about(&location, &plan);
    Ok(Rooted {
        plan,
        run,
        sequences,
        about,
    })
}
