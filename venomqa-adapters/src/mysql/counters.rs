use std::collections::{BTreeMap, BTreeSet};

use super::link::{Link, converted};
use super::schema::{Plan, is, quoted};
use super::stop::Stop;

/// What `AUTO_INCREMENT` gives next, by table, where it is not 1: a server may say nothing of those that have given none yet.
pub(super) type Counters = BTreeMap<String, u64>;

/// The statement that [`counters`] reads.
pub(super) fn select(plan: &Plan) -> String {
    format!(
        "SELECT table_name, auto_increment FROM information_schema.tables \
         WHERE {} AND auto_increment > 1",
        is("table_schema", &plan.database)
    )
}

/// The counters of the followed tables, from what was selected.
pub(super) fn counters(rows: Vec<mysql_async::Row>, plan: &Plan) -> Result<Counters, Stop> {
    let rows: Vec<(String, u64)> = converted(rows)?;
    let followed = rows
        .into_iter()
        .filter(|(name, _)| plan.table(name).is_some());
    Ok(followed.collect())
}

/// Sets those that differ. Each costs the server a change of the table's definition.
pub(super) async fn set(
    link: &mut Link,
    plan: &Plan,
    live: &Counters,
    wanted: &Counters,
) -> Result<(), Stop> {
    for name in differing(live, wanted) {
        let next = wanted.get(name).unwrap_or(&1);
        let table = format!("{}.{}", quoted(&plan.database), quoted(name));
        link.run(&format!("ALTER TABLE {table} AUTO_INCREMENT = {next}"))
            .await?;
    }
    Ok(())
}

fn differing<'a>(live: &'a Counters, wanted: &'a Counters) -> BTreeSet<&'a String> {
    let differs = |name: &&String| live.get(*name) != wanted.get(*name);
    live.keys().chain(wanted.keys()).filter(differs).collect()
}
