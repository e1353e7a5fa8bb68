use std::cmp::Ordering;
use std::sync::Arc;

use super::adapter::{insert, replace, rows_of};
use super::journal::Journal;
use super::schema::{Place, refuse};
use super::sql::{Assigned, Condition, Statement, What, parse};
use crate::{Record, Result, Row, Table, Value};

/// Runs a statement: the rows it returns, and how many it changed.
pub(super) fn run(
    journal: &mut Journal,
    sql: &str,
    params: Vec<Value>,
) -> Result<(Vec<Record>, usize)> {
    let statement = parse(sql, params).map_err(|found| {
        let why = format!("{found} is outside of the SQL that the mock understands");
        refuse(format!("run `{sql}`"), why)
    })?;
    // All of a statement happens or nothing, so it works on a copy, which shares the rows.
    let before = journal.live().clone();
    let outcome = statement_on(journal, statement);
    if outcome.is_err() {
        journal.put_back(before);
    }
    outcome
}

fn statement_on(journal: &mut Journal, statement: Statement) -> Result<(Vec<Record>, usize)> {
    let changed = match statement {
        Statement::Select {
            table,
            what,
            filter,
            order,
            limit,
        } => {
            let (shape, mut rows) = matching(journal, &table, &filter)?;
            for (column, down) in order.iter().rev() {
                let at = position(&shape, column)?;
                rows.sort_by(|(_, a), (_, b)| {
                    let order = compare(&a[at], &b[at]);
                    if *down { order.reverse() } else { order }
                });
            }
            rows.truncate(limit.unwrap_or(usize::MAX));
            return Ok((records(&shape, what, rows)?, 0));
        }
        Statement::Create {
            table,
            columns,
            key,
        } => {
            let (columns, key) = (strs(&columns), strs(&key));
            journal.schema_mut().add(&table, &columns, &key)?;
            0
        }
        Statement::Insert {
            table,
            columns,
            rows,
            replace,
        } => {
            let count = rows.len();
            for row in rows {
                let row = complete(journal, &table, &columns, row)?;
                insert(journal, &table, row, replace)?;
            }
            count
        }
        Statement::Update { table, set, filter } => {
            let (shape, rows) = matching(journal, &table, &filter)?;
            for (place, row) in &rows {
                replace(journal, place, assigned(&shape, row, &set)?)?;
            }
            rows.len()
        }
        Statement::Delete { table, filter } => {
            let (_, rows) = matching(journal, &table, &filter)?;
            for (place, _) in &rows {
                journal.remove(place);
            }
            rows.len()
        }
    };
    Ok((Vec::new(), changed))
}

fn strs(names: &[String]) -> Vec<&str> {
    names.iter().map(String::as_str).collect()
}

fn position(shape: &Table, column: &str) -> Result<usize> {
    shape.column(column).ok_or_else(|| {
        let why = format!("the columns are: {}", shape.columns.join(", "));
        refuse(format!("find column `{column}` of `{}`", shape.name), why)
    })
}

type Rows = Vec<(Place, Row)>;

fn matching(journal: &Journal, table: &str, filter: &[Condition]) -> Result<(Arc<Table>, Rows)> {
    let (at, shape) = journal.live().schema.find(table)?;
    let filter: Vec<_> = filter
        .iter()
        .map(|condition| Ok((position(shape, &condition.column)?, condition)))
        .collect::<Result<_>>()?;
    let rows = rows_of(journal, at)
        .filter(|(_, row)| {
            filter
                .iter()
                .all(|(column, condition)| condition.holds(&row[*column]))
        })
        .map(|(place, row)| (place.clone(), row.clone()))
        .collect();
    Ok((shape.clone(), rows))
}

impl Condition {
    /// As in SQL, nothing compares with NULL.
    fn holds(&self, value: &Value) -> bool {
        if *value == Value::Null || self.value == Value::Null {
            return false;
        }
        let order = compare(value, &self.value);
        match self.operator {
            "=" => order.is_eq(),
            "<" => order.is_lt(),
            ">" => order.is_gt(),
            "<=" => order.is_le(),
            ">=" => order.is_ge(),
            _ => order.is_ne(),
        }
    }
}

/// Numbers by what they count, everything else as values are ordered.
fn compare(a: &Value, b: &Value) -> Ordering {
    match (a, b) {
        (Value::Int(a), Value::Float(b)) => (*a as f64).total_cmp(b),
        (Value::Float(a), Value::Int(b)) => a.total_cmp(&(*b as f64)),
        (a, b) => a.cmp(b),
    }
}

/// A row to insert, with NULL in the columns that are not named, and the next number in a key of one column that is NULL.
fn complete(journal: &Journal, table: &str, columns: &[String], values: Vec<Value>) -> Result<Row> {
    let (at, shape) = journal.live().schema.find(table)?;
    let mut row = values;
    if !columns.is_empty() {
        if columns.len() != row.len() {
            let why = format!("{} values for {} columns", row.len(), columns.len());
            return Err(refuse(format!("insert into `{table}`"), why));
        }
        let mut named = vec![Value::Null; shape.columns.len()];
        for (column, value) in columns.iter().zip(row) {
            named[position(shape, column)?] = value;
        }
        row = named;
    }
    if let [key] = shape.key.as_slice()
        && row.get(*key) == Some(&Value::Null)
    {
        let numbers = rows_of(journal, at).filter_map(|(_, row)| match row[*key] {
            Value::Int(number) => Some(number),
            _ => None,
        });
        row[*key] = Value::Int(numbers.max().unwrap_or(0) + 1);
    }
    Ok(row.into())
}

fn assigned(shape: &Table, row: &Row, set: &[(String, Assigned)]) -> Result<Row> {
    let mut new = row.to_vec();
    for (column, value) in set {
        new[position(shape, column)?] = match value {
            Assigned::Value(value) => value.clone(),
            Assigned::Sum(from, value) => {
                sum(&row[position(shape, from)?], value).ok_or_else(|| {
                    let why = "it holds or adds something else than numbers in range".into();
                    refuse(format!("add to column `{from}` of `{}`", shape.name), why)
                })?
            }
        };
    }
    Ok(new.into())
}

fn sum(a: &Value, b: &Value) -> Option<Value> {
    Some(match (a, b) {
        (Value::Null, _) | (_, Value::Null) => Value::Null,
        (Value::Int(a), Value::Int(b)) => Value::Int(a.checked_add(*b)?),
        (Value::Int(a), Value::Float(b)) => Value::Float(*a as f64 + b),
        (Value::Float(a), Value::Int(b)) => Value::Float(a + *b as f64),
        (Value::Float(a), Value::Float(b)) => Value::Float(a + b),
        _ => return None,
    })
}

fn records(shape: &Table, what: What, rows: Rows) -> Result<Vec<Record>> {
    let named = match what {
        What::Count(name) => {
            let count: [Value; 1] = [Value::Int(rows.len() as i64)];
            return Ok(vec![Record::new([name].into(), count.into())]);
        }
        What::Everything => {
            let columns: Arc<[String]> = shape.columns.clone().into();
            let record = |(_, row)| Record::new(columns.clone(), row);
            return Ok(rows.into_iter().map(record).collect());
        }
        What::Columns(named) => named,
    };
    let at: Vec<_> = named
        .iter()
        .map(|name| position(shape, name))
        .collect::<Result<_>>()?;
    let columns: Arc<[String]> = named.into();
    let record = |(_, row): (Place, Row)| {
        let values: Row = at.iter().map(|&column| row[column].clone()).collect();
        Record::new(columns.clone(), values)
    };
    Ok(rows.into_iter().map(record).collect())
}
