//! The explorer on the orders machine: counts, rates and memory.
#![expect(clippy::print_stdout, reason = "the figures are the result")]

use std::time::Instant;

use venomqa_examples::orders_machine;

fn main() {
    for orders in [1, 2, 3, 4, 5, 3, 5] {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        let started = Instant::now();
        let result = runtime
            .block_on(orders_machine::agent(orders).explore())
            .unwrap();
        let elapsed = started.elapsed();
        println!(
            "K={orders} states={} transitions={} depth={} violations={} occ={} {:.0}/s notes {:?}",
            result.states_visited,
            result.transitions,
            result.depth,
            result.violations.len(),
            result.violations.iter().map(|v| v.occurrences).sum::<u64>(),
            result.transitions as f64 / elapsed.as_secs_f64(),
            result.notes
        );
        let status = std::fs::read_to_string("/proc/self/status").unwrap();
        println!(
            "{}",
            status.lines().find(|l| l.starts_with("VmHWM")).unwrap()
        );
    }
}
