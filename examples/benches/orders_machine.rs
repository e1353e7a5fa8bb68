//! The explorer on the orders machine. `cargo bench --bench orders_machine` prints a table of counts and rates, then repeats what is
//! quick for statistics.
#![expect(clippy::print_stdout, reason = "the figures are the result")]

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use divan::Bencher;
use divan::counter::ItemsCount;
use venomqa::{Agent, Event, Exploration};
use venomqa_examples::orders_machine::{http, memory, states, transitions};

const ROUNDS: usize = 7;

fn main() {
    in_memory();
    over_http();
    divan::main();
}

/// Repeated for statistics: the counter is transitions, so that the throughput is transitions a second.
#[divan::bench(args = [1, 2, 3, 4])]
fn memory_machine(bencher: Bencher<'_, '_>, orders: u32) {
    let runtime = runtime();
    bencher
        .counter(ItemsCount::new(transitions(orders)))
        .bench_local(|| runtime.block_on(memory::agent(orders).explore()).unwrap());
}

/// What one exploration took, without set-up and confirmation.
struct Measured {
    result: Exploration,
    /// When each tenth of the transitions was done, from the start of exploring.
    tenths: Vec<Duration>,
}

impl Measured {
    fn rate(&self) -> f64 {
        self.result.transitions as f64 / self.tenths[9].as_secs_f64()
    }

    /// The rate of the last tenth, as a share of that of the first.
    fn last_to_first(&self) -> f64 {
        self.tenths[0].as_secs_f64() / (self.tenths[9] - self.tenths[8]).as_secs_f64()
    }
}

async fn explore(agent: Agent, orders: u32) -> Measured {
    let tenths = Arc::new(Mutex::new((Instant::now(), Vec::new())));
    let (seen, all) = (Arc::clone(&tenths), transitions(orders));
    let agent = agent.observer(move |event| {
        let (start, tenths) = &mut *seen.lock().unwrap();
        match event {
            Event::Started { .. } => *start = Instant::now(),
            Event::Progress { transitions, .. }
                if transitions * 10 >= all * (tenths.len() as u64 + 1) =>
            {
                tenths.push(start.elapsed());
            }
            _ => {}
        }
    });
    let result = agent.explore().await.unwrap();
    assert_eq!(
        result.states_visited,
        states(orders),
        "states with {orders} orders"
    );
    assert_eq!(result.transitions, all, "transitions with {orders} orders");
    let tenths = std::mem::take(&mut tenths.lock().unwrap().1);
    Measured { result, tenths }
}

fn in_memory() {
    let runtime = runtime();
    println!(
        "in memory    states  transitions  depth  transitions/s  last tenth : first tenth  peak memory"
    );
    let mut rates = Vec::new();
    for orders in 1..=5 {
        let measured = runtime.block_on(explore(memory::agent(orders), orders));
        println!(
            "  K={orders} {:>13} {:>12} {:>6} {:>14.0} {:>26.2} {:>9} MB",
            measured.result.states_visited,
            measured.result.transitions,
            measured.result.depth,
            measured.rate(),
            measured.last_to_first(),
            peak_memory(),
        );
        rates.push(measured.rate());
    }
    println!("  rate of K=5 : rate of K=3 = {:.2}\n", rates[4] / rates[2]);
}

fn over_http() {
    // As the test harness does it.
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .unwrap();
    let program = PathBuf::from(env!("CARGO_BIN_EXE_orders"));
    println!("over HTTP, K=3, the real server with a SQLite file      transitions/s   requests/s");
    let mut rounds = Vec::new();
    // In turns, so that a noisy machine is noisy to all alike.
    for _ in 0..ROUNDS {
        rounds.push(runtime.block_on(async {
            let (few, committed) = with_rows(&program, 0).await;
            let plain = plain_loop(&program, committed).await;
            let (many, _) = with_rows(&program, 100_000).await;
            (few, plain, many)
        }));
    }
    let of = |value: fn(&(f64, f64, f64)) -> f64| median(rounds.iter().map(value).collect());
    let (few, plain, many) = (of(|r| r.0), of(|r| r.1), of(|r| r.2));
    println!("  VenomQA {few:>58.0} {:>12.0}", few * 2.0);
    println!(
        "  a plain loop of the same requests {plain:>32.0} {:>12.0}",
        plain * 2.0
    );
    println!(
        "  VenomQA, 100,000 unrelated rows stored {many:>27.0} {:>12.0}",
        many * 2.0
    );
    println!("medians of {ROUNDS} rounds");
    println!("  VenomQA : plain loop = {:.2}", of(|r| r.0 / r.1));
    println!(
        "  with : without unrelated rows = {:.2}\n",
        of(|r| r.2 / r.0)
    );
}

/// The rate in transitions a second, each one request and the rule's, and the number of transitions that committed something.
async fn with_rows(program: &Path, rows: usize) -> (f64, u64) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("orders.db");
    rusqlite::Connection::open(&file)
        .and_then(|db| {
            db.execute_batch(&format!(
                "PRAGMA journal_mode = WAL;
                 CREATE TABLE unrelated (id INTEGER PRIMARY KEY, text TEXT);
                 WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {rows})
                 INSERT INTO unrelated SELECT i, 'row ' || i FROM n WHERE i <= {rows};"
            ))
        })
        .unwrap();
    let measured = explore(http::agent(program, &file, 3).await.unwrap(), 3).await;
    let answered = measured
        .result
        .actions
        .iter()
        .flat_map(|action| &action.statuses);
    let committed = answered
        .filter(|(status, _)| **status < 300)
        .map(|(_, times)| times)
        .sum();
    (measured.rate(), committed)
}

/// The same number of requests, one after the other and as many of them committing, without rollback or anything else of ours.
async fn plain_loop(program: &Path, committed: u64) -> f64 {
    let folder = tempfile::tempdir().unwrap();
    let server = http::server(program, &folder.path().join("orders.db"), 3)
        .await
        .unwrap();
    let url = server.url();
    let client = reqwest::Client::builder()
        .no_proxy()
        .tcp_nodelay(true)
        .build()
        .unwrap();
    let all = transitions(3);
    let start = Instant::now();
    let mut exists = false;
    for n in 0..all {
        // Spread evenly: the n-th transition commits if the count of commits due grows with it.
        let commits = (n + 1) * committed / all > n * committed / all;
        let request = match (commits, exists) {
            (false, _) => client.post(format!("{url}/orders/9/pay")),
            (true, true) => client.delete(format!("{url}/orders/1")),
            (true, false) => {
                let body = r#"{"amount":100,"payment":"later"}"#;
                client
                    .post(format!("{url}/orders"))
                    .header("Content-Type", "application/json")
                    .body(body)
            }
        };
        exists ^= commits;
        send(request).await;
        send(client.get(format!("{url}/orders"))).await;
    }
    all as f64 / start.elapsed().as_secs_f64()
}

async fn send(request: reqwest::RequestBuilder) {
    let response = request
        .header("Authorization", "Bearer alice-token")
        .send()
        .await
        .unwrap();
    response.bytes().await.unwrap();
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// The most memory that this process has held so far, in MB; 0 where the system does not tell.
fn peak_memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<u64>().ok())
        .unwrap_or(0)
        / 1024
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
}
