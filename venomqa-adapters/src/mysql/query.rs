use std::sync::Arc;

use mysql_async::consts::{ColumnFlags, ColumnType};
use mysql_async::prelude::Queryable;
use mysql_async::{Column, Conn, Params, Row as SqlRow, Value as SqlValue};

use super::value::short;
use super::{decimal, temporal};
use crate::{Record, Value};

/// The number of the collation of bytes that are no text.
const BINARY: u16 = 63;

/// Runs a statement of the user and reads its rows.
pub(super) async fn query(
    conn: &mut Conn,
    sql: &str,
    params: Vec<Value>,
) -> mysql_async::Result<Vec<Record>> {
    let rows: Vec<SqlRow> = conn.exec(sql, bound(params)).await?;
    let Some(first) = rows.first() else {
        return Ok(Vec::new());
    };
    let names: Arc<[String]> = first
        .columns_ref()
        .iter()
        .map(|column| column.name_str().into_owned())
        .collect();
    let records = rows.into_iter().map(|row| {
        let columns = row.columns();
        let values = row.unwrap();
        let values = columns
            .iter()
            .zip(values)
            .map(|(column, value)| told(column, value));
        Record::new(names.clone(), values.collect())
    });
    Ok(records.collect())
}

/// Runs statements of the user, and counts the rows that the last of them changed. Parameters go to a single statement only.
pub(super) async fn execute(
    conn: &mut Conn,
    sql: &str,
    params: Vec<Value>,
) -> mysql_async::Result<usize> {
    match params.is_empty() {
        true => conn.query_drop(sql).await?,
        false => conn.exec_drop(sql, bound(params)).await?,
    }
    Ok(conn.affected_rows().try_into().unwrap_or(usize::MAX))
}

fn bound(params: Vec<Value>) -> Params {
    if params.is_empty() {
        return Params::Empty;
    }
    let bound = params.into_iter().map(|value| match value {
        Value::Null => SqlValue::NULL,
        Value::Bool(value) => SqlValue::Int(value.into()),
        Value::Int(value) => SqlValue::Int(value),
        Value::Float(value) => SqlValue::Double(value),
        Value::Decimal(text) | Value::Text(text) => SqlValue::Bytes(text.as_bytes().into()),
        Value::Bytes(bytes) => SqlValue::Bytes(bytes.to_vec()),
    });
    Params::Positional(bound.collect())
}

/// A value as it is told of a followed table too.
fn told(column: &Column, value: SqlValue) -> Value {
    let kind = column.column_type();
    match value {
        SqlValue::NULL => Value::Null,
        SqlValue::Int(number) if kind == ColumnType::MYSQL_TYPE_YEAR => {
            format!("{number:04}").into()
        }
        SqlValue::UInt(number) if kind == ColumnType::MYSQL_TYPE_YEAR => {
            format!("{number:04}").into()
        }
        SqlValue::Int(number) => Value::Int(number),
        SqlValue::UInt(number) => match i64::try_from(number) {
            Ok(number) => Value::Int(number),
            Err(_) => Value::Decimal(number.to_string().into()),
        },
        SqlValue::Float(number) => Value::Float(short(number)),
        SqlValue::Double(number) => Value::Float(number),
        SqlValue::Date(..) | SqlValue::Time(..) => {
            let is_date = matches!(
                kind,
                ColumnType::MYSQL_TYPE_DATE | ColumnType::MYSQL_TYPE_NEWDATE
            );
            temporal::text(&value, is_date, column.decimals()).into()
        }
        SqlValue::Bytes(bytes) => {
            let is_binary = column.character_set() == BINARY || kind == ColumnType::MYSQL_TYPE_BIT;
            let is_json = kind == ColumnType::MYSQL_TYPE_JSON;
            let text = match std::str::from_utf8(&bytes) {
                Ok(text) if kind == ColumnType::MYSQL_TYPE_NEWDECIMAL => {
                    return Value::Decimal(decimal::without_fill(text).into());
                }
                Ok(text) if is_json || !is_binary => Some(text.into()),
                _ => None,
            };
            let labels = column
                .flags()
                .intersects(ColumnFlags::ENUM_FLAG | ColumnFlags::SET_FLAG);
            match text {
                Some(text) => Value::Text(text),
                None if labels => Value::Text(String::from_utf8_lossy(&bytes).into()),
                None => Value::Bytes(bytes.into()),
            }
        }
    }
}
