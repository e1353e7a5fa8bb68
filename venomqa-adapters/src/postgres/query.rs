use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use futures_util::TryStreamExt;
use sqlx::postgres::{PgConnection, PgRow};
use sqlx::{AssertSqlSafe, Column, Either, Executor, Row, ValueRef, raw_sql};

use super::location::literal;
use super::value::Kind;
use crate::{Record, Value};

/// What statements of the user came to.
#[derive(Debug, Default)]
pub(super) struct Outcome {
    pub(super) records: Vec<Record>,
    /// How many rows the last statement changed or returned.
    pub(super) changed: u64,
}

/// Runs a statement of the user, or several without parameters.
///
/// Everything goes as text in both directions, so that a parameter may be of any type and a value is what PostgreSQL prints.
pub(super) async fn run(
    db: &mut PgConnection,
    sql: &str,
    params: &[Value],
) -> sqlx::Result<Outcome> {
    if params.is_empty() {
        return send(db, sql.into()).await;
    }
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let name = format!("_venomqa_{}", COUNT.fetch_add(1, Ordering::Relaxed));
    send(db, format!("PREPARE {name} AS {sql}")).await?;
    let values: Vec<_> = params.iter().map(constant).collect();
    let outcome = send(db, format!("EXECUTE {name}({})", values.join(", "))).await;
    // In a transaction that has failed it is refused. Then one more stays until the connection ends.
    let _ = send(db, format!("DEALLOCATE {name}")).await;
    outcome
}

async fn send(db: &mut PgConnection, sql: String) -> sqlx::Result<Outcome> {
    let mut outcome = Outcome::default();
    let mut columns: Option<Arc<[String]>> = None;
    let mut answers = db.fetch_many(raw_sql(AssertSqlSafe(sql)));
    while let Some(answer) = answers.try_next().await? {
        match answer {
            Either::Left(done) => {
                outcome.changed = done.rows_affected();
                columns = None;
            }
            Either::Right(row) => {
                let names = || {
                    row.columns()
                        .iter()
                        .map(|column| column.name().to_owned())
                        .collect()
                };
                let columns = columns.get_or_insert_with(names);
                outcome.records.push(record(&row, columns.clone())?);
            }
        }
    }
    Ok(outcome)
}

fn record(row: &PgRow, columns: Arc<[String]>) -> sqlx::Result<Record> {
    let value = |position| {
        let cell = row.try_get_raw(position)?;
        let kind = Kind::of_type(cell.type_info().oid().map_or(0, |oid| oid.0));
        let text = if cell.is_null() {
            None
        } else {
            Some(cell.as_str().map_err(sqlx::Error::Decode)?)
        };
        Ok(kind.value(text))
    };
    let values = (0..columns.len())
        .map(value)
        .collect::<sqlx::Result<Vec<_>>>()?;
    Ok(Record::new(columns, values.into()))
}

/// A value as a constant whose type the place decides.
fn constant(value: &Value) -> String {
    let text = match value {
        Value::Null => return "NULL".into(),
        Value::Bool(value) => value.to_string(),
        Value::Int(value) => value.to_string(),
        Value::Float(value) if value.is_infinite() => {
            if *value < 0.0 {
                "-Infinity".into()
            } else {
                "Infinity".into()
            }
        }
        Value::Float(value) => value.to_string(),
        Value::Decimal(text) | Value::Text(text) => text.to_string(),
        Value::Bytes(bytes) => {
            let mut text = "\\x".to_owned();
            for byte in bytes.iter() {
                write!(text, "{byte:02x}").expect("a text takes all that is written");
            }
            text
        }
    };
    literal(&text)
}
