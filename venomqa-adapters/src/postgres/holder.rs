use sqlx::Connection;

use super::location::Location;

/// Who is in the way: those with a transaction that has written, else those who hold a lock on a table.
const HOLDERS: &str = "
    WITH others AS (
        SELECT a.pid, a.backend_xid IS NOT NULL AS writes,
            format('process %s (%s, %s: %s)', a.pid, coalesce(nullif(a.application_name, ''), 'unnamed'), coalesce(a.state, 'of another user'),
                left(regexp_replace(coalesce(a.query, '?'), '\\s+', ' ', 'g'), 200)) AS who
        FROM pg_stat_activity a
        WHERE a.datname = current_database() AND a.pid <> pg_backend_pid()
            AND coalesce(a.backend_type, 'client backend') = 'client backend'
    ), writers AS (
        SELECT who FROM others WHERE writes
        UNION ALL
        SELECT format('the prepared transaction `%s`', gid) FROM pg_prepared_xacts WHERE database = current_database()
    )
    SELECT who, true AS writes FROM writers
    UNION ALL
    SELECT who, false FROM others WHERE NOT EXISTS (SELECT FROM writers) AND EXISTS (
        SELECT FROM pg_locks held WHERE held.pid = others.pid AND held.granted AND held.locktype = 'relation' AND held.relation >= 16384
    )";

/// Says who is in the way and how, as far as it can be told.
pub(super) async fn holders(location: &Location) -> String {
    let who: Vec<(String, bool)> = match location.connect().await {
        Ok(mut db) => {
            let found = sqlx::query_as(HOLDERS).fetch_all(&mut db).await;
            let _ = db.close().await;
            found.unwrap_or_default()
        }
        Err(_) => Vec::new(),
    };
    let names: Vec<_> = who.iter().map(|(who, _)| who.as_str()).collect();
    match who.first() {
        Some((_, true)) => format!("{} keeps a transaction open", names.join(" and ")),
        Some((_, false)) => format!("{} holds a lock", names.join(" and ")),
        None => "another connection was in the way".into(),
    }
}
