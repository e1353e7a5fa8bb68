//! The `wallet` API server. What it offers, and the bugs it can have: see `venomqa_examples::wallet`.

use std::process::ExitCode;

fn main() -> ExitCode {
    venomqa_examples::wallet::run()
}
