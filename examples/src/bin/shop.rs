//! The `shop` API server. What it offers, and the bugs it can have: see `venomqa_examples::shop`.

use std::process::ExitCode;

fn main() -> ExitCode {
    venomqa_examples::shop::run()
}
