//! The API under test: another process that holds a database open through several connections with prepared statements.
//!
//! It is this test program again, started with a variable set.

pub(crate) mod hostile;
pub(crate) mod look;

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Duration;

use rusqlite::Connection;

const DATABASE: &str = "VENOMQA_TEST_APP_DATABASE";
const MODE: &str = "VENOMQA_TEST_APP_MODE";

/// How many connections the application has open.
pub(crate) const CONNECTIONS: usize = 3;

/// Becomes the application if this process was started as one, and does not return then.
pub(crate) fn become_app_if_asked() {
    if let (Ok(database), Ok(mode)) = (std::env::var(DATABASE), std::env::var(MODE)) {
        serve(&database, &mode);
        std::process::exit(0);
    }
}

/// Runs the statements that arrive, one a line: the number of a connection, a space, SQL.
fn serve(database: &str, mode: &str) {
    let connections: Vec<_> = (0..CONNECTIONS)
        .map(|number| {
            let db = Connection::open(database).unwrap();
            db.busy_timeout(Duration::from_secs(5)).unwrap();
            db.execute_batch(&format!(
                "PRAGMA journal_mode = {mode}; PRAGMA foreign_keys = ON; PRAGMA synchronous = OFF"
            ))
            .unwrap();
            // Then REPLACE fires the triggers of what it deletes.
            db.execute_batch(if number == 1 {
                "PRAGMA recursive_triggers = ON"
            } else {
                ""
            })
            .unwrap();
            db
        })
        .collect();
    let mut out = std::io::stdout();
    writeln!(out, "ready").unwrap();
    for line in std::io::stdin().lock().lines() {
        let line = line.unwrap();
        let (number, sql) = line.split_once(' ').unwrap();
        let db = &connections[number.parse::<usize>().unwrap()];
        let outcome = run(db, sql);
        if outcome.is_err() && !db.is_autocommit() && sql.contains(';') {
            db.execute_batch("ROLLBACK").unwrap();
        }
        match outcome {
            Ok(rows) => writeln!(out, "ok {rows}").unwrap(),
            Err(error) => writeln!(out, "error {}", error.to_string().replace('\n', " ")).unwrap(),
        }
    }
}

/// One statement stays prepared for the next time; several are a transaction or a change of the schema.
fn run(db: &Connection, sql: &str) -> rusqlite::Result<usize> {
    if sql.contains(';') {
        return db.execute_batch(sql).map(|()| 0);
    }
    let mut statement = db.prepare_cached(sql)?;
    let mut rows = statement.query([])?;
    let mut count = 0;
    while rows.next()?.is_some() {
        count += 1;
    }
    Ok(count)
}

/// The running application.
pub(crate) struct App {
    process: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl App {
    /// Starts it on a database, which it creates in this journal mode if need be.
    pub(crate) fn start(database: &Path, mode: &str) -> Self {
        let mut process = Command::new(std::env::current_exe().unwrap())
            .env(DATABASE, database)
            .env(MODE, mode)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let input = process.stdin.take().unwrap();
        let output = BufReader::new(process.stdout.take().unwrap());
        let mut app = Self {
            process,
            input,
            output,
        };
        assert_eq!(app.answer(), "ready");
        app
    }

    /// Runs SQL without line breaks on one of the connections; several statements are separated by semicolons.
    pub(crate) fn attempt(&mut self, connection: usize, sql: &str) -> Result<usize, String> {
        self.send(connection, sql);
        self.outcome()
    }

    /// As [`attempt`](Self::attempt), for what must succeed.
    pub(crate) fn run(&mut self, sql: &str) -> usize {
        self.attempt(0, sql)
            .unwrap_or_else(|error| panic!("{sql}: {error}"))
    }

    /// Sends SQL without waiting for the outcome.
    pub(crate) fn send(&mut self, connection: usize, sql: &str) {
        assert!(!sql.contains('\n'), "one line: {sql}");
        writeln!(self.input, "{connection} {sql}").unwrap();
    }

    pub(crate) fn outcome(&mut self) -> Result<usize, String> {
        let answer = self.answer();
        match answer.split_once(' ') {
            Some(("ok", rows)) => Ok(rows.parse().unwrap()),
            _ => Err(answer),
        }
    }

    fn answer(&mut self) -> String {
        let mut line = String::new();
        self.output.read_line(&mut line).unwrap();
        line.trim_end().to_owned()
    }
}

impl Drop for App {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
