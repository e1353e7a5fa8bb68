//! The stub of a payment gateway. What it offers: see `venomqa_examples::gateway`.

use std::process::ExitCode;

fn main() -> ExitCode {
    venomqa_examples::gateway::run()
}
