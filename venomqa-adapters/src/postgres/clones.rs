//! The copies of a database, which are databases beside it.
//!
//! While a run goes on, the database itself waits under the name of the root, as it was; what has its name is a copy. To go
//! somewhere, a copy of a copy is made, and the names are exchanged in one transaction: there is never none of that name.

use sqlx::postgres::PgConnection;
use sqlx::{AssertSqlSafe, raw_sql};

use super::link::Link;
use super::location::{LABEL, Location, literal, quoted};
use super::stop::Stop;
use crate::{Checkpoint, Error};

/// The longest name, in bytes, that leaves room for the names of copies.
const LONGEST_NAME: usize = 40;

/// Refuses a database beside which copies cannot be named.
pub(super) fn expect_room(location: &Location) -> Result<(), Stop> {
    if location.database.len() <= LONGEST_NAME {
        return Ok(());
    }
    Err(Stop::Failed(Error::Refused {
        system: location.name.clone(),
        why: "its name is too long for copies to be named after it".into(),
        remedy: format!("give it one of at most {LONGEST_NAME} bytes"),
    }))
}

/// Where the database itself waits while a run goes on.
pub(super) fn root(location: &Location) -> String {
    beside(location, "root")
}

/// The copy that a checkpoint is.
pub(super) fn sealed(location: &Location, checkpoint: Checkpoint) -> String {
    beside(location, &checkpoint.0.to_string())
}

/// A copy that is to take the database's name.
pub(super) fn next(location: &Location) -> String {
    beside(location, "next")
}

/// What had the database's name before.
pub(super) fn last(location: &Location) -> String {
    beside(location, "last")
}

/// A copy that is being made, and does not bear our label yet.
fn scratch(location: &Location) -> String {
    beside(location, "scratch")
}

fn beside(location: &Location, what: &str) -> String {
    format!("{}_venomqa_{what}", location.database)
}

/// The comment by which our copies are known: nothing without it is ever removed.
fn label(location: &Location) -> String {
    format!("{LABEL}: a copy of {}", location.database)
}

/// Copies a database, and what is set for it from outside.
pub(super) async fn copy(link: &mut Link, from: &str, to: &str) -> Result<(), Stop> {
    expect_alone(link, from).await?;
    let location = link.location.clone();
    let (name, db) = (scratch(&location), link.db().await?);
    let made = quoted(&name);
    run(db, &format!("DROP DATABASE IF EXISTS {made}")).await?;
    let owner: String = sqlx::query_scalar(
        "SELECT pg_get_userbyid(datdba)::text FROM pg_database WHERE datname = $1",
    )
    .bind(from)
    .fetch_one(&mut *db)
    .await?;
    run(
        db,
        &format!(
            "CREATE DATABASE {made} TEMPLATE {} OWNER {}",
            quoted(from),
            quoted(&owner)
        ),
    )
    .await?;
    run(
        db,
        &format!(
            "COMMENT ON DATABASE {made} IS {}",
            literal(&label(&location))
        ),
    )
    .await?;
    let settings: Vec<String> = sqlx::query_scalar(SETTINGS)
        .bind(from)
        .bind(&name)
        .fetch_all(&mut *db)
        .await?;
    for setting in settings {
        run(db, &setting).await?;
    }
    run(
        db,
        &format!("ALTER DATABASE {made} RENAME TO {}", quoted(to)),
    )
    .await
}

/// Gives the database's name to a copy, and another name to what had it.
pub(super) async fn exchange(link: &mut Link, copy: &str, aside: &str) -> Result<(), Stop> {
    expect_alone(link, copy).await?;
    expect_alone(link, &link.location.database.clone()).await?;
    let database = quoted(&link.location.database);
    let exchange = format!(
        "BEGIN; ALTER DATABASE {database} RENAME TO {}; ALTER DATABASE {} RENAME TO {database}; COMMIT",
        quoted(aside),
        quoted(copy)
    );
    let db = link.db().await?;
    let exchanged = run(db, &exchange).await;
    if exchanged.is_err() {
        // The transaction is still open.
        let _ = run(db, "ROLLBACK").await;
    }
    exchanged
}

/// Removes a copy, if it is there.
pub(super) async fn remove(link: &mut Link, copy: &str) -> Result<(), Stop> {
    expect_alone(link, copy).await?;
    run(
        link.db().await?,
        &format!("DROP DATABASE IF EXISTS {}", quoted(copy)),
    )
    .await
}

/// Waits for nobody to be connected to a database; ends connections of ours that wait for it, and the application's where that is
/// allowed.
async fn expect_alone(link: &mut Link, database: &str) -> Result<(), Stop> {
    let all = link.location.options.terminate_connections;
    let db = link.db().await?;
    sqlx::query(TERMINATE)
        .bind(database)
        .bind(format!("{LABEL} %"))
        .bind(all)
        .execute(&mut *db)
        .await?;
    let connected: Option<String> = sqlx::query_scalar(CONNECTED)
        .bind(database)
        .fetch_one(db)
        .await?;
    connected.map_or(Ok(()), |who| Err(Stop::Connected(who)))
}

/// Whether copies are left of a run, or one goes on.
pub(super) async fn are_left(db: &mut PgConnection, location: &Location) -> sqlx::Result<bool> {
    let ours = ours(db, location).await?;
    Ok(!ours.is_empty()
        || exists(db, &root(location)).await?
        || exists(db, &scratch(location)).await?)
}

/// Gives the database its name back, and removes all copies.
pub(super) async fn return_to_root(link: &mut Link) -> Result<(), Stop> {
    let location = link.location.clone();
    let (root, last) = (root(&location), last(&location));
    let db = link.db().await?;
    let copies = ours(db, &location).await?;
    if exists(db, &root).await? {
        if !copies.contains(&location.database) {
            return Err(Stop::Failed(Error::NotRestored {
                system: location.name.clone(),
                why: format!(
                    "it was made by somebody else since a run began, whose contents from before are in the database {root}"
                ),
                remedy: "drop one of the two, and give the other one its name".into(),
            }));
        }
        remove(link, &last).await?;
        exchange(link, &root, &last).await?;
    }
    for copy in ours(link.db().await?, &location).await? {
        remove(link, &copy).await?;
    }
    remove(link, &scratch(&location)).await
}

/// The copies there are, also under names that the user gave.
async fn ours(db: &mut PgConnection, location: &Location) -> sqlx::Result<Vec<String>> {
    sqlx::query_scalar("SELECT datname::text FROM pg_database WHERE shobj_description(oid, 'pg_database') = $1 ORDER BY 1")
        .bind(label(location))
        .fetch_all(db)
        .await
}

async fn exists(db: &mut PgConnection, database: &str) -> sqlx::Result<bool> {
    sqlx::query_scalar("SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)")
        .bind(database)
        .fetch_one(db)
        .await
}

/// Runs what may be one statement only, because most of these refuse to run in a transaction.
async fn run(db: &mut PgConnection, sql: &str) -> Result<(), Stop> {
    raw_sql(AssertSqlSafe(sql)).execute(db).await?;
    Ok(())
}

const TERMINATE: &str = "
    SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity
    WHERE datname = $1 AND pid <> pg_backend_pid() AND ($3 OR application_name LIKE $2)";

const CONNECTED: &str = "
    SELECT string_agg(format('process %s (%s, %s)', pid, coalesce(nullif(application_name, ''), 'unnamed'), coalesce(state, 'of another user')), ' and ')
    FROM pg_stat_activity WHERE datname = $1 AND coalesce(backend_type, 'client backend') = 'client backend'";

/// The statements that set for one database what is set for another from outside: they do not come with a copy. The values of lists
/// are stored with their quotes, as `pg_dump` knows too.
const SETTINGS: &str = "
    SELECT setting FROM (
        SELECT 1 AS place, format('ALTER %s SET %s TO %s',
            CASE s.setrole WHEN 0 THEN format('DATABASE %I', $2) ELSE format('ROLE %I IN DATABASE %I', pg_get_userbyid(s.setrole), $2) END,
            (SELECT string_agg(quote_ident(part), '.') FROM unnest(string_to_array(split_part(entry, '=', 1), '.')) part),
            CASE WHEN value <> '' AND lower(split_part(entry, '=', 1)) IN ('local_preload_libraries', 'search_path', 'session_preload_libraries',
                'temp_tablespaces') THEN value ELSE quote_literal(value) END) AS setting
        FROM pg_db_role_setting s JOIN pg_database d ON d.oid = s.setdatabase
            CROSS JOIN LATERAL unnest(s.setconfig) entry CROSS JOIN LATERAL substr(entry, position('=' IN entry) + 1) value
        WHERE d.datname = $1
        UNION ALL
        SELECT 2, format('REVOKE ALL ON DATABASE %I FROM PUBLIC', $2) FROM pg_database WHERE datname = $1 AND datacl IS NOT NULL
        UNION ALL
        SELECT 3, format('GRANT %s ON DATABASE %I TO %s%s', privilege_type, $2,
            CASE grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(grantee)) END,
            CASE WHEN is_grantable THEN ' WITH GRANT OPTION' ELSE '' END)
        FROM pg_database CROSS JOIN LATERAL aclexplode(datacl) WHERE datname = $1
        UNION ALL
        SELECT 4, format('ALTER DATABASE %I CONNECTION LIMIT %s', $2, datconnlimit) FROM pg_database WHERE datname = $1 AND datconnlimit <> -1
    ) settings ORDER BY place, setting";
