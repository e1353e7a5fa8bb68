//! The API under test: another process that holds a database open through several connections with prepared statements.
//!
//! It is this test program again, started with a variable set.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{AssertSqlSafe, ConnectOptions, raw_sql};

const DATABASE: &str = "VENOMQA_TEST_APP_DATABASE";

/// How many connections the application has open.
pub(crate) const CONNECTIONS: usize = 3;

/// What the application calls itself.
pub(crate) const NAME: &str = "orders-api";

/// Becomes the application if this process was started as one, and does not return then.
pub(crate) fn become_app_if_asked() {
    if let Ok(url) = std::env::var(DATABASE) {
        crate::bench::runtime().block_on(serve(&url));
        std::process::exit(0);
    }
}

/// Runs the statements that arrive, one a line: the number of a connection, a space, SQL.
async fn serve(url: &str) {
    let options: PgConnectOptions = url.parse().expect("a URL");
    let options = options.application_name(NAME).disable_statement_logging();
    let mut connections = Vec::new();
    for _ in 0..CONNECTIONS {
        connections.push(options.connect().await.expect("a connection"));
    }
    let mut out = std::io::stdout();
    writeln!(out, "ready").expect("the test listens");
    for line in std::io::stdin().lock().lines() {
        let line = line.expect("a line");
        let (number, sql) = line.split_once(' ').expect("a number and SQL");
        let number: usize = number.parse().expect("a number");
        let mut outcome = run(&mut connections[number], sql).await;
        if outcome.as_ref().is_err_and(is_broken) {
            // As a pool does: a connection that broke is replaced, and the request fails or is tried again.
            if let Ok(connection) = options.connect().await {
                connections[number] = connection;
                outcome = run(&mut connections[number], sql).await;
            }
        }
        match outcome {
            Ok(rows) => writeln!(out, "ok {rows}"),
            Err(error) => writeln!(out, "error {}", error.to_string().replace('\n', " ")),
        }
        .expect("the test listens");
    }
}

/// Whether a connection is of no use any more.
fn is_broken(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(|error| error.code());
    matches!(error, sqlx::Error::Io(_)) || code.is_some_and(|code| code.starts_with("57P"))
}

/// One statement stays prepared for the next time; several are a transaction, which ends with them.
async fn run(db: &mut PgConnection, sql: &str) -> sqlx::Result<u64> {
    if let Some(rows) = sql.strip_prefix("COPY ") {
        let (table, rows) = rows.split_once(' ').expect("a table and rows");
        let mut copy = db.copy_in_raw(&format!("COPY {table} FROM STDIN")).await?;
        copy.send(rows.replace("\\n", "\n").into_bytes()).await?;
        return copy.finish().await;
    }
    if sql.contains(';') {
        let outcome = raw_sql(AssertSqlSafe(sql)).execute(&mut *db).await;
        if outcome.is_err() {
            raw_sql("ROLLBACK").execute(db).await?;
        }
        return outcome.map(|done| done.rows_affected());
    }
    let done = sqlx::query(AssertSqlSafe(sql)).execute(db).await?;
    Ok(done.rows_affected())
}

/// The running application.
pub(crate) struct App {
    process: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl App {
    /// Starts it on a database.
    pub(crate) fn start(url: &str) -> Self {
        let mut process = Command::new(std::env::current_exe().expect("this program"))
            .env(DATABASE, url)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("this program again");
        let input = process.stdin.take().expect("piped");
        let output = BufReader::new(process.stdout.take().expect("piped"));
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
        writeln!(self.input, "{connection} {sql}").expect("the application listens");
    }

    pub(crate) fn outcome(&mut self) -> Result<usize, String> {
        let answer = self.answer();
        match answer.split_once(' ') {
            Some(("ok", rows)) => Ok(rows.parse().expect("a number")),
            _ => Err(answer),
        }
    }

    fn answer(&mut self) -> String {
        let mut line = String::new();
        self.output
            .read_line(&mut line)
            .expect("the application answers");
        line.trim_end().to_owned()
    }
}

impl Drop for App {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
