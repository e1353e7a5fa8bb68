//! The `orders` API server. What it offers, and the bugs it can have: see `venomqa::demo::orders`.

use std::process::ExitCode;

fn main() -> ExitCode {
    venomqa::demo::orders::run()
}
