use sqlx::postgres::PgConnection;

use super::location::{Location, quoted};
use super::options::PostgresMode;
use super::schema::{Plan, TablePlan};
use super::stop::Stop;
use crate::{About, Error};

/// What was found out about a server and a database before they are followed.
#[derive(Debug)]
pub(super) struct Precheck {
    version: String,
    pub(super) superuser: bool,
    /// What is there that nobody follows.
    unfollowed: Vec<String>,
}

impl Precheck {
    /// Refuses a database that the journal cannot follow, and says what helps. `silent` is whether rows can be put back without firing
    /// triggers.
    pub(super) async fn pass(
        db: &mut PgConnection,
        location: &Location,
        plan: &Plan,
        silent: bool,
    ) -> Result<Self, Stop> {
        let refuse = |why: String, remedy: String| {
            let system = location.name.clone();
            Err(Stop::Failed(Error::Refused {
                system,
                why,
                remedy,
            }))
        };
        let (version, superuser, replica): (String, bool, bool) =
            sqlx::query_as(SERVER).fetch_one(&mut *db).await?;
        if replica {
            return refuse(
                "it is a replica that takes no writes".into(),
                "explore a server of its own".into(),
            );
        }
        let grants = missing_rights(db, location, plan, silent).await?;
        if !grants.is_empty() {
            return refuse(
                format!("`{}` lacks rights that the journal takes", location.user),
                format!("as a superuser, run: {}", grants.join("; ")),
            );
        }
        let tables: Vec<_> = plan.tables.iter().map(|table| table.oid).collect();
        let obstacle: Option<(String, String)> = sqlx::query_as(OBSTACLES)
            .bind(tables)
            .fetch_optional(&mut *db)
            .await?;
        if let Some((why, remedy)) = obstacle {
            return refuse(why, format!("{remedy}, or use `PostgresMode::Template`"));
        }
        let unfollowed = sqlx::query_scalar(UNFOLLOWED).fetch_all(db).await?;
        Ok(Self {
            version,
            superuser,
            unfollowed,
        })
    }

    /// How the database goes back, and what that cannot do here.
    pub(super) fn about(&self, location: &Location, plan: &Plan) -> About {
        let version = format!("PostgreSQL {}", self.version);
        let by_savepoints = location.options.mode == PostgresMode::Savepoint;
        let (mechanism, mut gaps) = match by_savepoints {
            false => ("trigger journal", gaps_of_the_journal(plan)),
            true => (
                "savepoints on a connection that the application shares, as asked",
                gaps_of_savepoints(),
            ),
        };
        if !plan.sequences.is_empty() {
            gaps.push("Sequences are put back, but are no part of a state: two states that differ only in the next number are taken for one.".into());
        }
        let cached = plan.sequences.iter().filter(|sequence| sequence.cache > 1);
        let cached: Vec<_> = cached.map(|sequence| sequence.name.as_str()).collect();
        if !cached.is_empty() {
            gaps.push(format!(
                "Connections of the application keep the numbers that they took ahead from sequences with a cache: {}.",
                cached.join(", ")
            ));
        }
        gaps.extend(self.unfollowed.iter().cloned());
        if !self.superuser {
            gaps.push("Changes of the schema are found by comparing the catalogs at every look, which takes longer: only a superuser may be told of them.".into());
        }
        if !plan.ignored.is_empty() {
            gaps.push(format!("Ignored tables: {}.", plan.ignored.join(", ")));
        }
        About {
            name: location.name.replacen("PostgreSQL", &version, 1),
            mechanism: mechanism.into(),
            gaps,
            sees_foreign_commits: true,
        }
    }
}

fn gaps_of_the_journal(plan: &Plan) -> Vec<String> {
    let such = |which: fn(&TablePlan) -> bool| {
        let tables = plan.tables.iter().filter(|table| which(table));
        let names: Vec<_> = tables
            .map(|table| format!("`{}`", table.table.name))
            .collect();
        (!names.is_empty()).then(|| names.join(", "))
    };
    let mut gaps = vec!["The order in which rows are stored is not put back: a query without ORDER BY may return them in another one.".into()];
    if let Some(names) = such(|table| table.key.is_empty()) {
        gaps.push(format!(
            "Without a key, rows are put back by reading the whole table: {names}."
        ));
    }
    if let Some(names) = such(|table| table.unlogged) {
        gaps.push(format!("A crash of the server empties unlogged tables, and what they held is not put back then: {names}."));
    }
    gaps
}

fn gaps_of_savepoints() -> Vec<String> {
    vec![
        "Nothing is committed: other connections see none of it and wait where they write the same rows, and an end of the server ends the run.".into(),
        "What happens at a commit does not: deferred constraints are not checked, and nobody is notified.".into(),
        "`now()` stands still: it is when the run began.".into(),
    ]
}

/// The statements that give the user what is missing.
async fn missing_rights(
    db: &mut PgConnection,
    location: &Location,
    plan: &Plan,
    silent: bool,
) -> sqlx::Result<Vec<String>> {
    let user = quoted(&location.user);
    let mut grants = Vec::new();
    // A run by savepoints writes no rows itself.
    if !silent && location.options.mode == PostgresMode::Journal {
        grants.push(format!(
            "GRANT SET ON PARAMETER session_replication_role TO {user}"
        ));
    }
    let creates = "SELECT has_database_privilege(current_database(), 'CREATE')";
    if !sqlx::query_scalar(creates).fetch_one(&mut *db).await? {
        grants.push(format!(
            "GRANT CREATE ON DATABASE {} TO {user}",
            quoted(&location.database)
        ));
    }
    let tables: Vec<_> = plan.tables.iter().map(|table| table.oid).collect();
    let sequences: Vec<_> = plan.sequences.iter().map(|sequence| sequence.oid).collect();
    let on_schemas: Vec<String> = sqlx::query_scalar(RIGHTS_IN_SCHEMAS)
        .bind(tables)
        .bind(sequences)
        .fetch_all(db)
        .await?;
    grants.extend(
        on_schemas
            .into_iter()
            .map(|grant| format!("{grant} TO {user}")),
    );
    Ok(grants)
}

const SERVER: &str = "
    SELECT split_part(current_setting('server_version'), ' ', 1), rolsuper, pg_is_in_recovery()
    FROM pg_roles WHERE rolname = current_user";

const RIGHTS_IN_SCHEMAS: &str = "
    SELECT DISTINCT format('GRANT %s %I', missing.what, n.nspname)
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        CROSS JOIN LATERAL (
            SELECT 'USAGE ON SCHEMA' AS what WHERE NOT has_schema_privilege(n.oid, 'USAGE')
            UNION ALL
            SELECT 'SELECT, INSERT, DELETE, TRIGGER ON ALL TABLES IN SCHEMA' WHERE c.oid::bigint = ANY ($1) AND NOT (
                has_table_privilege(c.oid, 'SELECT') AND has_table_privilege(c.oid, 'INSERT')
                AND has_table_privilege(c.oid, 'DELETE') AND has_table_privilege(c.oid, 'TRIGGER'))
            UNION ALL
            SELECT 'SELECT, UPDATE ON ALL SEQUENCES IN SCHEMA' WHERE c.oid::bigint = ANY ($2) AND NOT (
                has_table_privilege(c.oid, 'SELECT') AND has_table_privilege(c.oid, 'UPDATE'))
        ) missing
    WHERE c.oid::bigint = ANY ($1 || $2)
    ORDER BY 1";

/// What the journal cannot follow, and what to do about it.
const OBSTACLES: &str = "
    WITH followed AS (
        SELECT c.oid, c.oid::regclass::text AS name FROM pg_class c
        WHERE c.relkind IN ('r', 'p') AND coalesce(pg_partition_root(c.oid)::oid, c.oid)::bigint = ANY ($1)
    )
    SELECT format('%s inherits from %s', i.inhrelid::regclass, i.inhparent::regclass), 'make the tables independent'
    FROM pg_inherits i JOIN pg_class parent ON parent.oid = i.inhparent
    WHERE parent.relkind = 'r' AND (i.inhrelid IN (SELECT oid FROM followed) OR i.inhparent IN (SELECT oid FROM followed))
    UNION ALL
    SELECT format('the trigger `%s` of %s fires also when rows are put back', t.tgname, f.name),
        format('run: ALTER TABLE %s ENABLE TRIGGER %I', f.name, t.tgname)
    FROM pg_trigger t JOIN followed f ON f.oid = t.tgrelid WHERE t.tgenabled IN ('A', 'R')
    UNION ALL
    SELECT format('the rule `%s` of %s applies also when rows are put back', r.rulename, f.name),
        format('run: ALTER TABLE %s ENABLE RULE %I', f.name, r.rulename)
    FROM pg_rewrite r JOIN followed f ON f.oid = r.ev_class WHERE r.ev_enabled IN ('A', 'R')
    UNION ALL
    SELECT format('row security hides rows of %s from `%s`', f.name, current_user), format('run: ALTER ROLE %I BYPASSRLS', current_user)
    FROM followed f WHERE row_security_active(f.oid)
    UNION ALL
    SELECT format('%s has the virtual column `%s`', f.name, a.attname), 'make it STORED'
    FROM pg_attribute a JOIN followed f ON f.oid = a.attrelid WHERE a.attgenerated = 'v' AND NOT a.attisdropped
    UNION ALL
    SELECT format('the constraint `%s` of %s was never validated, so a row may not go back', k.conname, f.name),
        format('run: ALTER TABLE %s VALIDATE CONSTRAINT %I', f.name, k.conname)
    FROM pg_constraint k JOIN followed f ON f.oid = k.conrelid WHERE k.contype IN ('c', 'n') AND NOT k.convalidated
    UNION ALL
    SELECT format('the constraint `%s` of %s was never validated, so a row may not go back', k.conname, k.contypid::regtype),
        format('run: ALTER DOMAIN %s VALIDATE CONSTRAINT %I', k.contypid::regtype, k.conname)
    FROM pg_constraint k
    WHERE NOT k.convalidated AND EXISTS (SELECT FROM pg_attribute a JOIN followed f ON f.oid = a.attrelid WHERE a.atttypid = k.contypid)
    UNION ALL
    SELECT format('the subscription `%s` writes rows that fire no trigger', subname), 'disable it'
    FROM pg_subscription WHERE subdbid = (SELECT oid FROM pg_database WHERE datname = current_database()) AND subenabled
    LIMIT 1";

/// What is there that the journal does not see, one sentence each.
const UNFOLLOWED: &str = "
    SELECT format('%s are not followed: %s.', kind, string_agg(name, ', ' ORDER BY name)) FROM (
        SELECT CASE c.relkind WHEN 'm' THEN 'Materialized views' WHEN 'f' THEN 'Foreign tables' ELSE 'Tables of extensions' END AS kind,
            format('`%s`', c.oid::regclass) AS name
        FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE n.nspname NOT LIKE 'pg\\_%' AND n.nspname <> 'information_schema' AND (c.relkind IN ('m', 'f') OR c.relkind IN ('r', 'p')
            AND EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e'))
    ) unfollowed GROUP BY kind
    UNION ALL
    SELECT 'Large objects are not followed.'
    ORDER BY 1";
