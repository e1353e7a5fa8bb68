use sqlx::AssertSqlSafe;
use sqlx::postgres::PgConnection;

use super::location::{LABEL, Location};
use super::options::PostgresMode;
use super::stop::Stop;

/// The number of the lock that a run holds in the database itself: an advisory lock, which PostgreSQL keeps apart for each
/// database and releases when its holder's connection ends.
const IN_DATABASE: i64 = i64::from_be_bytes(*b"venomqa\0");

/// The first half of the number of a lock that is held from another database, because nobody may be connected to the one that is
/// copied. The second half is a hash of that one's name.
const FROM_ELSEWHERE: i32 = i32::from_be_bytes(*b"vnmq");

/// The database of the server from which others are copied.
pub(super) const ELSEWHERE: &str = "postgres";

/// From where the exclusive right to explore a database is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Hold {
    InDatabase,
    FromElsewhere,
}

impl Hold {
    pub(super) fn of(mode: PostgresMode) -> Self {
        match mode {
            PostgresMode::Journal | PostgresMode::Savepoint => Self::InDatabase,
            PostgresMode::Template => Self::FromElsewhere,
        }
    }

    /// The database to connect to.
    pub(super) fn database(self, location: &Location) -> &str {
        match self {
            Self::InDatabase => &location.database,
            Self::FromElsewhere => ELSEWHERE,
        }
    }

    /// Calls a function of the server on the lock.
    async fn call(
        self,
        function: &str,
        db: &mut PgConnection,
        location: &Location,
    ) -> sqlx::Result<bool> {
        let sql = match self {
            Self::InDatabase => format!("SELECT {function}($1)"),
            Self::FromElsewhere => format!("SELECT {function}($1, hashtext($2))"),
        };
        let call = sqlx::query_scalar(AssertSqlSafe(sql));
        match self {
            Self::InDatabase => call.bind(IN_DATABASE).fetch_one(db).await,
            Self::FromElsewhere => {
                call.bind(FROM_ELSEWHERE)
                    .bind(&location.database)
                    .fetch_one(db)
                    .await
            }
        }
    }
}

/// Who else holds the right, from wherever.
const HOLDER: &str = "
    SELECT coalesce(a.application_name, ''), l.objsubid = 2 FROM pg_locks l LEFT JOIN pg_stat_activity a USING (pid)
    WHERE l.locktype = 'advisory' AND l.granted AND l.pid <> pg_backend_pid() AND (
        (l.classid::bigint = $1 >> 32 AND l.objid::bigint = $1 & 4294967295 AND l.objsubid = 1
            AND l.database = (SELECT oid FROM pg_database WHERE datname = $3))
        OR (l.classid::bigint = $2 AND l.objid::bigint = hashtext($3)::bigint & 4294967295 AND l.objsubid = 2)
    ) LIMIT 1";

/// Somebody else who has the right.
#[derive(Debug)]
pub(super) struct Holder {
    pub(super) name: String,
    pub(super) hold: Hold,
}

/// Takes the exclusive right to explore a database, for as long as this connection lives, or tells who has it.
pub(super) async fn attempt(
    db: &mut PgConnection,
    location: &Location,
    hold: Hold,
) -> Result<Option<Holder>, Stop> {
    let taken = hold.call("pg_try_advisory_lock", db, location).await?;
    let holder: Option<(String, bool)> = sqlx::query_as(HOLDER)
        .bind(IN_DATABASE)
        .bind(i64::from(FROM_ELSEWHERE))
        .bind(&location.database)
        .fetch_optional(&mut *db)
        .await?;
    if taken && holder.is_none() {
        return Ok(None);
    }
    if taken {
        // The other one holds its lock from another place.
        hold.call("pg_advisory_unlock", db, location).await?;
    }
    let (name, elsewhere) = holder.unwrap_or_default();
    let name = name.strip_prefix(LABEL).unwrap_or(&name).trim();
    Ok(Some(Holder {
        name: if name.is_empty() {
            "another run".into()
        } else {
            name.into()
        },
        hold: if elsewhere {
            Hold::FromElsewhere
        } else {
            Hold::InDatabase
        },
    }))
}
