use super::base::Base;
use super::hold::TRUST;
use super::options::MySqlMode;
use super::schema::{is, quoted};

/// What cannot be undone or seen in this database, one sentence each.
pub(super) async fn gaps(base: &mut Base, mode: MySqlMode) -> Vec<String> {
    let mut gaps = Vec::new();
    let names = |tables: &mut dyn Iterator<Item = usize>| {
        let mut names: Vec<_> = tables
            .map(|number| quoted(&base.plan.tables[number].name))
            .collect();
        names.dedup();
        names.join(", ")
    };
    match mode {
        MySqlMode::Copy => gaps.push("Each step costs what is stored, not what changes.".into()),
        MySqlMode::Savepoint => {
            gaps.push("Each step costs what is stored, not what changes.".into());
            gaps.push(
                "Only what is written through the adapter's own connection can be undone.".into(),
            );
            gaps.push("AUTO_INCREMENT goes back only when the run ends.".into());
        }
        MySqlMode::Auto | MySqlMode::Binlog => {
            gaps.push("Writes that the application keeps out of the binary log (`sql_log_bin = 0`) are not seen until the run ends.".into());
            let children = names(
                &mut base
                    .plan
                    .cascades
                    .iter()
                    .filter_map(|cascade| cascade.followed_child(&base.plan)),
            );
            if !children.is_empty() {
                gaps.push(format!(
                    "A step in which foreign keys change rows of these tables reads the whole table: {children}."
                ));
            }
            let keyless = names(
                &mut base
                    .plan
                    .all()
                    .filter(|&number| base.plan.tables[number].is_keyless),
            );
            if !keyless.is_empty() {
                gaps.push(format!("Rows of tables without a key are searched for one by one when they go back: {keyless}."));
            }
            let hashed = names(
                &mut base
                    .plan
                    .all()
                    .filter(|&number| base.plan.tables[number].is_hashed),
            );
            if !hashed.is_empty() {
                gaps.push(format!("A step that changes these tables reads the whole table, for a unique index over long columns: {hashed}."));
            }
        }
    }
    gaps.push("A change of the schema is undone only when the run ends.".into());
    let unreadable = base.definitions.unreadable();
    let link = &mut base.hold.link;
    if !unreadable.is_empty() {
        gaps.push(format!(
            "This account may not read these, so a change of them is neither seen nor undone: {}. `GRANT {}` helps.",
            unreadable.join(", "),
            link.server.routine_rights()
        ));
    }
    if base.definitions.has_code() && base.hold.side.distrusts(link).await {
        gaps.push(format!("After a change of the schema the server does not let this account make triggers and functions again. `{TRUST}` helps."));
    }
    let events = format!(
        "SELECT 1 FROM information_schema.events WHERE {} AND status = 'ENABLED' \
         AND @@event_scheduler = 'ON' LIMIT 1",
        is("event_schema", &base.hold.database)
    );
    if let Ok(Some(1_u8)) = link.first(&events).await {
        gaps.push("The events of this database write on their own account.".into());
    }
    let mut columns = base.plan.tables.iter().flat_map(|table| &table.columns);
    if columns.any(|column| column.kind.is_ambiguous()) {
        gaps.push("Dates and bytes that SQL put into `JSON` columns come back as text, and numbers as they are printed.".into());
    }
    let ignored: Vec<_> = base
        .ignored
        .tables
        .iter()
        .map(|name| quoted(name))
        .collect();
    if !ignored.is_empty() {
        gaps.push(format!("Ignored tables: {}.", ignored.join(", ")));
    }
    let ignored: Vec<_> = base.ignored.columns.iter().map(String::as_str).collect();
    if !ignored.is_empty() {
        gaps.push(format!(
            "Ignored columns, which are restored: {}.",
            ignored.join(", ")
        ));
    }
    gaps
}
