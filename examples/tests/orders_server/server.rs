//! The server under test: the real binary in its own process, spoken to over one kept connection.

use std::collections::BTreeMap;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use rusqlite::types::Value as Cell;
use rusqlite::{Connection, params_from_iter};
use serde_json::Value;
use tempfile::TempDir;

pub(crate) const ALICE: &str = "alice-token";
pub(crate) const BOB: &str = "bob-token";

/// Status and body; `Null` where there is no body.
pub(crate) type Answer = (u16, Value);

pub(crate) struct Server {
    process: Child,
    connection: BufReader<TcpStream>,
    bugs: String,
    max_orders: u32,
    directory: TempDir,
}

/// A request without its user.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Call<'a> {
    pub(crate) method: &'a str,
    pub(crate) path: &'a str,
    pub(crate) key: Option<&'a str>,
    pub(crate) body: Option<&'a str>,
}

pub(crate) fn call<'a>(method: &'a str, path: &'a str) -> Call<'a> {
    Call {
        method,
        path,
        key: None,
        body: None,
    }
}

impl Server {
    pub(crate) fn start(bugs: &str, max_orders: u32) -> Self {
        let directory = TempDir::new().unwrap();
        let (process, connection) = spawn(directory.path().join("orders.db"), bugs, max_orders);
        Self {
            process,
            connection,
            bugs: bugs.to_owned(),
            max_orders,
            directory,
        }
    }

    /// A new process on the same database.
    pub(crate) fn restart(&mut self) {
        self.kill();
        (self.process, self.connection) = spawn(self.database(), &self.bugs, self.max_orders);
    }

    pub(crate) fn process(&mut self) -> &mut Child {
        &mut self.process
    }

    /// Sends it as the user with this token. `Err` when the server does not answer.
    pub(crate) fn send(&mut self, token: &str, call: Call<'_>) -> io::Result<Answer> {
        let header = format!("authorization: Bearer {token}\r\n");
        self.send_raw(&header, call)
    }

    pub(crate) fn send_raw(&mut self, headers: &str, call: Call<'_>) -> io::Result<Answer> {
        let Call {
            method,
            path,
            key,
            body,
        } = call;
        let mut request = format!("{method} {path} HTTP/1.1\r\nhost: orders\r\n{headers}");
        if let Some(key) = key {
            request += &format!("idempotency-key: {key}\r\n");
        }
        if let Some(body) = body {
            request += &format!(
                "content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
                body.len()
            );
        } else {
            request += "\r\n";
        }
        self.connection.get_mut().write_all(request.as_bytes())?;
        self.receive()
    }

    fn receive(&mut self) -> io::Result<Answer> {
        let mut line = String::new();
        self.connection.read_line(&mut line)?;
        let status = line
            .split(' ')
            .nth(1)
            .and_then(|status| status.parse().ok())
            .ok_or(io::ErrorKind::UnexpectedEof)?;
        let mut length = 0;
        loop {
            line.clear();
            self.connection.read_line(&mut line)?;
            if line == "\r\n" {
                break;
            }
            if let Some(value) = line.strip_prefix("content-length: ") {
                length = value.trim().parse().unwrap();
            }
        }
        let mut body = vec![0; length];
        self.connection.read_exact(&mut body)?;
        let body = if body.is_empty() {
            Value::Null
        } else {
            serde_json::from_slice(&body).expect("every body is JSON")
        };
        Ok((status, body))
    }

    pub(crate) fn database(&self) -> PathBuf {
        self.directory.path().join("orders.db")
    }

    fn kill(&mut self) {
        // It may have ended by itself.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
    }
}

pub(crate) fn binary() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_orders"));
    command
        .env_remove("PORT")
        .env_remove("ORDERS_MAX")
        .env_remove("ORDERS_BUGS");
    command
}

fn spawn(database: PathBuf, bugs: &str, max_orders: u32) -> (Child, BufReader<TcpStream>) {
    let mut process = binary()
        .env("DATABASE_PATH", database)
        .env("ORDERS_BUGS", bugs)
        .env("ORDERS_MAX", max_orders.to_string())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(process.stdout.take().unwrap())
        .read_line(&mut line)
        .unwrap();
    let address = line
        .trim()
        .strip_prefix("listening on http://")
        .expect("the address is printed first");
    let connection = TcpStream::connect(address).unwrap();
    connection.set_nodelay(true).unwrap();
    connection
        .set_read_timeout(Some(Duration::from_secs(10)))
        .unwrap();
    (process, BufReader::new(connection))
}

/// All rows of all tables: what a tester from outside saves and puts back under the running server.
pub(crate) type Contents = BTreeMap<&'static str, Vec<Vec<Cell>>>;

pub(crate) struct Database(Connection);

impl Database {
    pub(crate) fn open(server: &Server) -> Self {
        let connection = Connection::open(server.database()).unwrap();
        connection.busy_timeout(Duration::from_secs(5)).unwrap();
        connection
            .pragma_update(None, "synchronous", "OFF")
            .unwrap();
        Self(connection)
    }

    pub(crate) fn save(&self) -> Contents {
        let read = |table| {
            let mut select = self
                .0
                .prepare(&format!("SELECT * FROM {table} ORDER BY id"))
                .unwrap();
            let columns = select.column_count();
            select
                .query_map([], |row| {
                    (0..columns).map(|column| row.get(column)).collect()
                })
                .unwrap()
                .map(Result::unwrap)
                .collect()
        };
        ["orders", "users"]
            .into_iter()
            .map(|table| (table, read(table)))
            .collect()
    }

    pub(crate) fn restore(&mut self, contents: &Contents) {
        let transaction = self.0.transaction().unwrap();
        for table in ["orders", "users"] {
            transaction
                .execute(&format!("DELETE FROM {table}"), [])
                .unwrap();
        }
        for table in ["users", "orders"] {
            for row in &contents[table] {
                let places = vec!["?"; row.len()].join(", ");
                transaction
                    .execute(
                        &format!("INSERT INTO {table} VALUES ({places})"),
                        params_from_iter(row),
                    )
                    .unwrap();
            }
        }
        transaction.commit().unwrap();
    }
}
