//! Looks at a database without the help of the adapter.

use std::process::Command;
use std::sync::Arc;

use sqlx::postgres::{PgConnectOptions, PgConnection, PgRow};
use sqlx::{AssertSqlSafe, Column, ConnectOptions, Row, ValueRef, raw_sql};
use venomqa_adapters::Value;
use venomqa_adapters::conformance::Contents;

/// An independent connection.
pub(crate) struct Looker {
    pub(crate) db: PgConnection,
    url: String,
}

const TABLES: &str = "
    SELECT c.oid::regclass::text, c.relkind IN ('r', 'p') AND NOT c.relispartition, c.relkind, n.nspname, c.relname
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p', 'S') AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast', '_venomqa') ORDER BY 1";

impl Looker {
    pub(crate) async fn open(url: &str) -> Self {
        let options: PgConnectOptions = url.parse().expect("a URL");
        let mut db = options
            .disable_statement_logging()
            .connect()
            .await
            .expect("a connection");
        let settings = "SET search_path = ''; SET lc_monetary = 'C'; SET extra_float_digits = 3";
        raw_sql(settings).execute(&mut db).await.expect("settings");
        Self {
            db,
            url: url.into(),
        }
    }

    /// All rows that are part of a state: of tables as wholes, column by column.
    pub(crate) async fn contents(&mut self) -> Contents {
        contents(&mut self.db).await
    }

    /// The rows of every table and partition and what every sequence holds.
    pub(crate) async fn dump(&mut self) -> String {
        dump(&mut self.db).await
    }

    /// The dump, and the whole schema as `pg_dump` tells it.
    pub(crate) async fn full_dump(&mut self) -> String {
        let schema = Command::new("pg_dump")
            .args(["--schema-only", "--restrict-key=none", &self.url])
            .output();
        let mut schema = schema.expect("pg_dump is there");
        if !schema.status.success() {
            schema = Command::new("pg_dump")
                .args(["--schema-only", &self.url])
                .output()
                .expect("pg_dump is there");
        }
        assert!(
            schema.status.success(),
            "{}",
            String::from_utf8_lossy(&schema.stderr)
        );
        format!(
            "{}\n{}",
            String::from_utf8_lossy(&schema.stdout),
            self.dump().await
        )
    }

    /// What of ours is in the database.
    pub(crate) async fn ours(&mut self) -> Vec<String> {
        sqlx::query_scalar(
            "SELECT nspname::text FROM pg_namespace WHERE nspname LIKE '%venomqa%' UNION ALL SELECT tgname::text FROM pg_trigger WHERE tgname LIKE '%venomqa%'
             UNION ALL SELECT evtname::text FROM pg_event_trigger WHERE evtname LIKE '%venomqa%'
             UNION ALL SELECT datname::text FROM pg_database WHERE datname LIKE current_database() || '\\_%'",
        )
        .fetch_all(&mut self.db)
        .await
        .expect("a catalog")
    }
}

async fn relations(db: &mut PgConnection) -> Vec<(String, bool, bool, String)> {
    let rows = raw_sql(TABLES).fetch_all(db).await.expect("a catalog");
    let text = |row: &PgRow, at: usize| {
        row.try_get_raw(at)
            .and_then(|cell| Ok(cell.as_str().map_err(sqlx::Error::Decode)?.to_owned()))
            .expect("text")
    };
    let plain = |name: &str| match name.contains(['.', '"']) {
        true => format!("\"{}\"", name.replace('"', "\"\"")),
        false => name.to_owned(),
    };
    rows.iter()
        .map(|row| {
            let (schema, name) = (text(row, 3), plain(&text(row, 4)));
            let told = if schema == "public" {
                name
            } else {
                format!("{}.{name}", plain(&schema))
            };
            (text(row, 0), text(row, 1) == "t", text(row, 2) == "S", told)
        })
        .collect()
}

pub(crate) async fn contents(db: &mut PgConnection) -> Contents {
    let mut contents = Contents::new();
    for (name, whole, _, told) in relations(db).await {
        if whole {
            let rows = raw_sql(AssertSqlSafe(format!("SELECT * FROM {name}")))
                .fetch_all(&mut *db)
                .await
                .expect("rows");
            contents.insert(told, rows.iter().map(values).collect());
        }
    }
    contents
}

pub(crate) async fn dump(db: &mut PgConnection) -> String {
    let parts = relations(db).await.into_iter().map(|(name, _, sequence, told)| match sequence {
        true => format!("SELECT '{told}: ' || last_value || is_called AS line FROM {name}"),
        false => format!("SELECT '{told}: ' || coalesce(string_agg(x::text, E'\\n  ' ORDER BY x::text), '') FROM ONLY {name} x"),
    });
    let parts: Vec<_> = parts.collect();
    let sql = parts.join(" UNION ALL ") + " ORDER BY 1";
    let lines: Vec<String> = sqlx::query_scalar(AssertSqlSafe(sql))
        .fetch_all(db)
        .await
        .expect("a dump");
    lines.join("\n")
}

fn values(row: &PgRow) -> Arc<[Value]> {
    let cell = |at: usize| {
        let cell = row.try_get_raw(at).expect("a cell");
        if cell.is_null() {
            return Value::Null;
        }
        let text = cell.as_str().expect("text");
        match row.column(at).type_info().oid().expect("a type").0 {
            16 => Value::Bool(text == "t"),
            20 | 21 | 23 | 26 => Value::Int(text.parse().expect("a whole number")),
            700 | 701 => Value::Float(text.parse().expect("a number")),
            1700 => text
                .parse()
                .map_or_else(|_| Value::Decimal(text.into()), Value::Int),
            17 => {
                let digits = text.strip_prefix("\\x").expect("bytes");
                let byte = |at: usize| u8::from_str_radix(&digits[at..at + 2], 16).expect("a byte");
                Value::Bytes((0..digits.len()).step_by(2).map(byte).collect())
            }
            _ => Value::Text(text.into()),
        }
    };
    (0..row.len()).map(cell).collect()
}
