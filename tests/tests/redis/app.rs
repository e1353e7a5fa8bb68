//! The API under test: another process that holds several connections to Redis and writes through them.
//!
//! It is this test program again, started with a variable set.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use redis::{Connection, Value};

const URL: &str = "VENOMQA_TEST_APP_URL";

/// How many connections the application has open, one after the other in each of its databases.
pub(crate) const CONNECTIONS: usize = 4;

/// A command with its arguments.
pub(crate) type Words = Vec<Vec<u8>>;

/// A command written in words that have no spaces.
pub(crate) fn words(line: &str) -> Words {
    line.split_whitespace()
        .map(|word| word.as_bytes().to_vec())
        .collect()
}

/// Becomes the application if this process was started as one, and does not return then.
pub(crate) fn become_app_if_asked() {
    if let Ok(urls) = std::env::var(URL) {
        serve(&urls);
        std::process::exit(0);
    }
}

/// Runs what arrives, one pipeline a line: the number of a connection, then commands separated by semicolons, their arguments in
/// hexadecimal.
fn serve(urls: &str) {
    let urls: Vec<_> = urls.split(' ').collect();
    let mut connections: Vec<Connection> = (0..CONNECTIONS)
        .map(|number| {
            let client = redis::Client::open(urls[number % urls.len()]).unwrap();
            client.get_connection().unwrap()
        })
        .collect();
    let mut out = std::io::stdout();
    writeln!(out, "ready").unwrap();
    for line in std::io::stdin().lock().lines() {
        let line = line.unwrap();
        let (number, rest) = line.split_once(' ').unwrap();
        let mut bytes = Vec::new();
        let commands: Vec<Words> = rest.split(';').map(decoded).collect();
        for command in &commands {
            bytes.extend(redis::cmd("").arg(command).get_packed_command());
        }
        let answers = run(
            &mut connections[number.parse::<usize>().unwrap()],
            &commands,
        );
        let answers = answers.replace('\n', " ");
        writeln!(out, "{answers}").unwrap();
    }
}

fn run(connection: &mut Connection, commands: &[Words]) -> String {
    let mut pipeline = redis::pipe();
    for command in commands {
        let mut whole = redis::Cmd::new();
        whole.arg(command);
        pipeline.add_command(whole);
    }
    let packed = pipeline.get_packed_pipeline();
    let answers =
        redis::ConnectionLike::req_packed_commands(connection, &packed, 0, commands.len());
    let answers = match answers {
        Ok(answers) => answers,
        Err(error) => return format!("error {error}"),
    };
    let all = answers.iter().flat_map(|answer| match answer {
        Value::Array(inner) => inner.as_slice(),
        one => std::slice::from_ref(one),
    });
    let error = all
        .chain(&answers)
        .find(|answer| matches!(answer, Value::ServerError(_)));
    match error {
        Some(Value::ServerError(error)) => format!("error {error}"),
        _ => format!("ok {:?}", answers.last()),
    }
}

fn decoded(command: &str) -> Words {
    let argument = |hex: &str| -> Vec<u8> {
        let byte = |pair: &[u8]| u8::from_str_radix(str::from_utf8(pair).unwrap(), 16).unwrap();
        hex.as_bytes()[1..].chunks(2).map(byte).collect()
    };
    command.split(' ').map(argument).collect()
}

fn encoded(command: &Words) -> String {
    // The letter keeps an empty argument visible.
    let argument = |bytes: &Vec<u8>| {
        let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        format!("x{hex}")
    };
    let arguments: Vec<_> = command.iter().map(argument).collect();
    arguments.join(" ")
}

/// The running application.
pub(crate) struct App {
    process: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl App {
    /// Starts it on some databases; connection `n` uses the `n`th of them, and begins again at the end.
    pub(crate) fn start(urls: &[String]) -> Self {
        let mut process = Command::new(std::env::current_exe().unwrap())
            .env(URL, urls.join(" "))
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

    /// Runs commands in one pipeline and says what the last was answered with, or the first error.
    pub(crate) fn attempt(
        &mut self,
        connection: usize,
        commands: &[Words],
    ) -> Result<String, String> {
        self.send(connection, commands);
        self.outcome()
    }

    /// Runs a command, in words. It must succeed.
    pub(crate) fn run_on(&mut self, connection: usize, line: &str) -> String {
        let outcome = self.attempt(connection, &[words(line)]);
        outcome.unwrap_or_else(|error| panic!("{line}: {error}"))
    }

    /// Sends commands without waiting for the outcome.
    pub(crate) fn send(&mut self, connection: usize, commands: &[Words]) {
        let commands: Vec<_> = commands.iter().map(encoded).collect();
        writeln!(self.input, "{connection} {}", commands.join(";")).unwrap();
    }

    pub(crate) fn outcome(&mut self) -> Result<String, String> {
        let answer = self.answer();
        match answer.split_once(' ') {
            Some(("ok", value)) => Ok(value.into()),
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
