use super::link::Link;
use super::schema::is;

/// Who may be in the way, for a message: the connections with an open transaction, or else all others of this database.
pub(super) async fn holders(link: &mut Link, database: &str) -> String {
    // The server answers the first from a copy that it renews only when nobody asked for a tenth of a second: enough to
    // name somebody, but not to find out whether there is anybody.
    let open = "SELECT DISTINCT p.id, p.user, p.host, p.command, p.info FROM information_schema.innodb_trx t \
         JOIN information_schema.processlist p ON p.id = t.trx_mysql_thread_id WHERE p.id <> CONNECTION_ID()";
    let here = is("p.db", database);
    let others = "SELECT p.id, p.user, p.host, p.command, p.info FROM information_schema.processlist p WHERE p.id <> CONNECTION_ID()";
    for sql in [
        format!("{open} AND {here}"),
        open.into(),
        format!("{others} AND {here}"),
    ] {
        let mut found = named(link, &sql).await;
        match found.len() {
            0 => {}
            1 => return found.remove(0),
            _ => return format!("one of {}", found.join(" and ")),
        }
    }
    "another connection".into()
}

async fn named(link: &mut Link, sql: &str) -> Vec<String> {
    type Found = (u64, String, String, String, Option<String>);
    // Without the right to ask nobody is named.
    let found = link.rows::<Found>(sql).await.unwrap_or_default();
    let name = |(id, user, host, command, statement): Found| match statement {
        Some(statement) => format!("connection {id} ({user}@{host}, running `{statement}`)"),
        None => format!(
            "connection {id} ({user}@{host}, {})",
            command.to_lowercase()
        ),
    };
    found.into_iter().map(name).collect()
}
