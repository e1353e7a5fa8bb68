//! Looks at a database without the help of the adapter.

use std::collections::BTreeMap;
use std::fmt::Write;

use mysql_async::consts::ColumnType;
use mysql_async::prelude::Queryable;
use mysql_async::{Column, Conn, Opts, OptsBuilder, Row as SqlRow, Value as SqlValue};
use venomqa_adapters::conformance::Contents;
use venomqa_adapters::{Row, Value};

use super::dialect::Dialect;

/// An independent connection.
pub(crate) struct Looker {
    opts: Opts,
    conn: Conn,
    pub(crate) dialect: Dialect,
}

fn quoted(name: &str) -> String {
    format!("`{}`", name.replace('`', "``"))
}

impl Looker {
    pub(crate) async fn open(url: &str) -> Self {
        let opts = Opts::from_url(url).expect("a URL");
        let builder = OptsBuilder::from_opts(opts.clone()).stmt_cache_size(Some(200));
        let mut conn = Conn::new(builder).await.expect("a connection");
        let dialect = Dialect::of(&mut conn).await;
        conn.query_drop(dialect.fresh()).await.expect("a setting");
        Self {
            opts,
            conn,
            dialect,
        }
    }

    /// All rows, as they are to be told.
    pub(crate) async fn contents(&mut self) -> Contents {
        contents(&mut self.conn).await
    }

    /// Everything: the rows byte by byte, the counters, the schema.
    pub(crate) async fn dump(&mut self) -> String {
        format!(
            "{}{}",
            counters(&mut self.conn).await,
            dump(&mut self.conn).await
        )
    }

    fn database(&self) -> &str {
        self.opts.db_name().expect("a database")
    }

    /// Whatever of ours is on the server on account of this database.
    pub(crate) async fn ours(&mut self) -> Vec<String> {
        let database = self.database().to_owned();
        let sql = "SELECT CONCAT(table_schema, '.', table_name) FROM information_schema.tables \
                   WHERE table_schema = ? AND table_name LIKE '%venomqa%' \
                   UNION SELECT schema_name FROM information_schema.schemata WHERE LEFT(schema_name, 40) = LEFT(CONCAT('_venomqa_', ?), 40)";
        self.conn
            .exec(sql, (&database, &database))
            .await
            .expect("an answer")
    }

    /// What the server finds wrong with the tables, and rows whose foreign keys lead nowhere.
    pub(crate) async fn damage(&mut self) -> Vec<String> {
        let mut damage = Vec::new();
        for table in tables(&mut self.conn).await.into_keys() {
            let sql = format!("CHECK TABLE {} EXTENDED", quoted(&table));
            let lines: Vec<(String, String, String, String)> =
                self.conn.query(sql).await.expect("a check");
            let bad = lines.into_iter().filter(|line| line.3 != "OK");
            damage.extend(bad.map(|line| format!("{}: {} {}", line.0, line.2, line.3)));
        }
        damage
    }
}

/// The tables with their columns and types.
async fn tables(conn: &mut Conn) -> BTreeMap<String, Vec<(String, String)>> {
    let names = "SELECT table_name FROM information_schema.tables WHERE table_schema = DATABASE() \
                 AND table_type = 'BASE TABLE' AND table_name <> '_venomqa_run'";
    let names: Vec<String> = conn.query(names).await.expect("the tables");
    let mut tables: BTreeMap<_, _> = names.into_iter().map(|name| (name, Vec::new())).collect();
    let columns = "SELECT table_name, column_name, data_type FROM information_schema.columns \
                   WHERE table_schema = DATABASE() ORDER BY table_name, ordinal_position";
    let columns: Vec<(String, String, String)> = conn.query(columns).await.expect("the columns");
    for (table, column, kind) in columns {
        if let Some(columns) = tables.get_mut(&table) {
            columns.push((column, kind));
        }
    }
    tables
}

async fn rows(conn: &mut Conn, table: &str, columns: impl Iterator<Item = String>) -> Vec<SqlRow> {
    let columns: Vec<_> = columns.collect();
    let sql = format!("SELECT {} FROM {}", columns.join(", "), quoted(table));
    conn.exec(sql, ()).await.expect("the rows")
}

/// All rows that a connection sees, as they are to be told.
pub(crate) async fn contents(conn: &mut Conn) -> Contents {
    let text = "SET NAMES utf8mb4, time_zone = '+00:00', sql_mode = ''";
    conn.query_drop(text).await.expect("settings");
    let mut contents = Contents::new();
    for (table, columns) in tables(conn).await {
        let select = columns.iter().map(|(name, kind)| match kind.as_str() {
            // As the server prints them.
            "date" | "time" | "datetime" | "timestamp" | "year" | "enum" | "set" | "uuid"
            | "inet6" | "inet4" => {
                format!("CAST({} AS CHAR)", quoted(name))
            }
            _ => quoted(name),
        });
        let rows = rows(conn, &table, select).await.into_iter().map(|row| {
            let columns = row.columns();
            let values = row.unwrap().into_iter().zip(columns.iter());
            values.map(|(value, column)| told(value, column)).collect()
        });
        contents.insert(table, rows.collect::<Vec<Row>>());
    }
    contents
}

/// Everything that a connection sees but the counters: the rows byte by byte, and the schema.
pub(crate) async fn dump(conn: &mut Conn) -> String {
    let mut dump = String::new();
    let exact = "SET character_set_results = NULL, time_zone = '+00:00', sql_mode = ''";
    conn.query_drop(exact).await.expect("settings");
    let orders = "SELECT CONCAT(trigger_name, ' comes ', action_order, '\n') FROM information_schema.triggers \
                  WHERE trigger_schema = DATABASE() ORDER BY 1";
    let orders: Vec<String> = conn.query(orders).await.expect("the triggers");
    dump.push_str(&orders.concat());
    let objects = "SELECT 'DATABASE', DATABASE() UNION SELECT 'TABLE', table_name FROM information_schema.tables WHERE table_schema = DATABASE() AND table_type <> 'VIEW' AND table_name <> '_venomqa_run' \
         UNION SELECT 'VIEW', table_name FROM information_schema.tables WHERE table_schema = DATABASE() AND table_type = 'VIEW' \
         UNION SELECT 'TRIGGER', trigger_name FROM information_schema.triggers WHERE trigger_schema = DATABASE() \
         UNION SELECT routine_type, routine_name FROM information_schema.routines WHERE routine_schema = DATABASE() \
         UNION SELECT 'EVENT', event_name FROM information_schema.events WHERE event_schema = DATABASE() ORDER BY 1, 2";
    let objects: Vec<(String, String)> = conn.query(objects).await.expect("the objects");
    let show = objects
        .iter()
        .map(|(kind, name)| format!("SHOW CREATE {kind} {}", quoted(name)));
    let show = show.collect::<Vec<_>>().join("; ");
    let mut definitions = conn.query_iter(show).await.expect("the definitions");
    for (kind, _) in objects {
        let rows: Vec<SqlRow> = definitions.collect().await.expect("a definition");
        let values = rows.into_iter().next().expect("a definition").unwrap();
        let shown: Vec<_> = values.iter().map(|value| value.as_sql(true)).collect();
        // The time at which a trigger was made is no part of it.
        let shown = shown[..shown.len().min(if kind == "TRIGGER" { 6 } else { 9 })].join(" ");
        let shown = match shown.split_once(" AUTO_INCREMENT=") {
            Some((before, after)) => before.to_owned() + after.trim_start_matches(char::is_numeric),
            None => shown,
        };
        writeln!(dump, "{shown}").expect("a string");
    }
    drop(definitions);
    for (table, columns) in tables(conn).await {
        let rows = rows(conn, &table, columns.iter().map(|(name, _)| quoted(name))).await;
        let mut rows: Vec<_> = rows
            .into_iter()
            .map(|row| format!("{table}: {:?}", row.unwrap()))
            .collect();
        rows.sort_unstable();
        rows.iter()
            .for_each(|row| writeln!(dump, "{row}").expect("a string"));
    }
    dump
}

/// What `AUTO_INCREMENT` gives next.
pub(crate) async fn counters(conn: &mut Conn) -> String {
    let sql = "SELECT CONCAT(table_name, ' goes on with ', auto_increment, '\n') FROM information_schema.tables \
               WHERE table_schema = DATABASE() AND auto_increment > 1 ORDER BY 1";
    let lines: Vec<String> = conn.query(sql).await.expect("the counters");
    lines.concat()
}

/// What a cell should be told as.
fn told(value: SqlValue, column: &Column) -> Value {
    const BYTES: u16 = 63;
    let text =
        |bytes: &[u8]| String::from_utf8(bytes.to_vec()).expect("the server converts to UTF-8");
    match value {
        SqlValue::NULL => Value::Null,
        SqlValue::Int(number) => Value::Int(number),
        SqlValue::UInt(number) if number > i64::MAX as u64 => {
            Value::Decimal(number.to_string().into())
        }
        SqlValue::UInt(number) => Value::Int(number as i64),
        SqlValue::Float(number) => Value::Float(number.to_string().parse().expect("a number")),
        SqlValue::Double(number) => Value::Float(number),
        SqlValue::Bytes(bytes) => match column.column_type() {
            ColumnType::MYSQL_TYPE_NEWDECIMAL => {
                // The server fills up with zeros what is declared so.
                let text = text(&bytes);
                let bare = text.trim_start_matches('0');
                let zero = if bare.starts_with(|c: char| c.is_ascii_digit() || c == '-') {
                    ""
                } else {
                    "0"
                };
                Value::Decimal(format!("{zero}{bare}").into())
            }
            ColumnType::MYSQL_TYPE_BIT | ColumnType::MYSQL_TYPE_GEOMETRY => {
                Value::Bytes(bytes.into())
            }
            ColumnType::MYSQL_TYPE_JSON => text(&bytes).into(),
            _ if column.character_set() == BYTES => Value::Bytes(bytes.into()),
            _ => text(&bytes).into(),
        },
        other => panic!("{other:?} was to be printed by the server"),
    }
}
