//! The explorer on the orders machine. `cargo bench --bench orders_machine` prints a table of counts and rates, then repeats what is
//! quick for statistics. With the feature `live` the table has PostgreSQL, MariaDB and Redis too, in servers that it starts.
#![expect(clippy::print_stdout, reason = "the figures are the result")]

#[cfg(feature = "live")]
mod live;
mod over_http;
mod place;

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use divan::Bencher;
use divan::counter::ItemsCount;
use venomqa::{Agent, Event, Exploration};
use venomqa_examples::orders_machine::{memory, states, transitions};

fn main() {
    in_memory();
    over_http::print();
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
