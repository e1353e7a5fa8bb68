//! The API under test: another process that holds several connections to a database, with prepared statements, and commits.
//!
//! It is this test program again, started with a variable set.

pub(crate) mod dialect;
pub(crate) mod hostile;
pub(crate) mod look;
pub(crate) mod same_process;

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use mysql_async::prelude::Queryable;
use mysql_async::{Conn, Opts, OptsBuilder};

const DATABASE: &str = "VENOMQA_TEST_APP_MYSQL";

/// How many connections the application has open.
pub(crate) const CONNECTIONS: usize = 3;

/// Runs a future to its end on a runtime of its own.
pub(crate) fn block_on<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    runtime.expect("a runtime").block_on(future)
}

/// Becomes the application if this process was started as one, and does not return then.
pub(crate) fn become_app_if_asked() {
    if let Ok(url) = std::env::var(DATABASE) {
        block_on(serve(&url));
        std::process::exit(0);
    }
}

/// Runs the statements that arrive, one a line: the number of a connection, a space, SQL.
async fn serve(url: &str) {
    // Over TCP, as an application on another machine.
    let opts = OptsBuilder::from_opts(Opts::from_url(url).expect("a URL")).prefer_socket(false);
    let opts = Opts::from(opts);
    let mut connections = Vec::new();
    for _ in 0..CONNECTIONS {
        connections.push(Conn::new(opts.clone()).await.expect("a connection"));
    }
    let mut out = std::io::stdout();
    writeln!(out, "ready").expect("the test listens");
    for line in std::io::stdin().lock().lines() {
        let line = line.expect("a line");
        let (number, sql) = line.split_once(' ').expect("a number and SQL");
        let conn = &mut connections[number.parse::<usize>().expect("a number")];
        let answer = match run(conn, sql).await {
            Ok(rows) => format!("ok {rows}"),
            Err(error) => {
                if sql.contains(';') && conn.query_drop("ROLLBACK").await.is_err() {
                    // As a pool does with a connection that was lost.
                    *conn = Conn::new(opts.clone()).await.expect("a connection");
                }
                format!("error {}", error.to_string().replace('\n', " "))
            }
        };
        writeln!(out, "{answer}").expect("the test listens");
    }
}

/// One statement stays prepared for the next time; several are a transaction or a change of the schema.
async fn run(conn: &mut Conn, sql: &str) -> mysql_async::Result<usize> {
    if sql.contains(';') {
        conn.query_drop(sql).await?;
        return Ok(0);
    }
    let rows: mysql_async::Result<Vec<mysql_async::Row>> = conn.exec(sql, ()).await;
    match rows {
        // What a server cannot prepare it takes as it is.
        Err(mysql_async::Error::Server(error)) if error.code == 1295 => {
            conn.query_drop(sql).await?;
            Ok(0)
        }
        rows => Ok(rows?.len()),
    }
}

/// The running application.
pub(crate) struct App {
    process: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl App {
    /// Starts it on the database of a URL.
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
        writeln!(self.input, "{connection} {sql}").expect("it listens");
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
        self.output.read_line(&mut line).expect("it answers");
        line.trim_end().to_owned()
    }
}

impl Drop for App {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
