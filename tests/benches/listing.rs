//! How long a test target with 100 actions and 50 invariants takes to list its tests: process start to end, in the debug build that
//! `cargo test` makes. `cargo bench --bench listing`
#![expect(clippy::print_stdout, reason = "the figures are the result")]

use std::process::Command;
use std::time::{Duration, Instant};

use venomqa_tests::built;

const RUNS: usize = 101;

fn main() {
    let programs = built("test --no-run --package venomqa-tests --test fixture_large");
    let mut times: Vec<Duration> = (0..RUNS)
        .map(|_| {
            let start = Instant::now();
            let listed = Command::new(&programs["fixture_large"])
                .arg("--list")
                .output();
            let elapsed = start.elapsed();
            assert!(listed.is_ok_and(|listed| listed.status.success()));
            elapsed
        })
        .collect();
    times.sort_unstable();
    let (median, p95) = (times[RUNS / 2], times[RUNS * 95 / 100]);
    println!(
        "--list with 100 actions and 50 invariants: median {median:.1?}, p95 {p95:.1?} of {RUNS} runs"
    );
}
