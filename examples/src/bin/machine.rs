//! The orders machine as an API server over a real database: see `venomqa_examples::machine`.

use std::process::ExitCode;

fn main() -> ExitCode {
    venomqa_examples::machine::run()
}
