//! The test harness: explores the suites, and turns what was found into results of `cargo test`.
//!
//! ```text
//! args, environment -> suites -> tests (names) -> list
//!                                      |
//!                                   explore | replay | regressions -> verdicts -> libtest-mimic
//! ```

mod args;
mod console;
mod environment;
mod explored;
mod findings;
mod folders;
mod lock;
mod progress;
mod regressions;
mod replay;
mod sequence;
mod session;
mod share;
mod stop;
mod trials;
mod verdicts;

use std::process::ExitCode;

use args::Args;
#[cfg(feature = "cli")]
pub(crate) use console::Console;
use environment::Environment;
#[cfg(feature = "cli")]
pub(crate) use progress::Progress;
use session::Session;
use stop::Stop;

use crate::registry::Suite;

/// What [`main!`](crate::main) knows of the test target when it is compiled.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// The folder of the package's manifest.
    pub manifest_dir: &'static str,
    /// The name of the target's crate.
    pub crate_name: &'static str,
}

/// Writes the `main` function of a test target with `harness = false`.
///
/// ```
/// use venomqa::prelude::*;
///
/// #[exploration]
/// fn counters() -> World {
///     World::without_api().with("db", MockSystem::new().with_table("counters", &["id"], &["id"]))
/// }
///
/// #[action]
/// fn count(db: &MockSystem, #[values(1, 2)] id: i64) -> Result<()> {
///     Ok(db.insert("counters", [id])?)
/// }
///
/// venomqa::main!();
/// ```
///
/// Where all of these stand in another crate, `use my_crate as _;` links them.
///
/// The process ends with status 0 when all selected tests passed, 101 when one failed, and 2 when it was called in a way that
/// makes no sense.
#[macro_export]
macro_rules! main {
    () => {
        fn main() -> ::std::process::ExitCode {
            $crate::__private::main($crate::__private::Target {
                manifest_dir: ::core::env!("CARGO_MANIFEST_DIR"),
                crate_name: ::core::env!("CARGO_CRATE_NAME"),
            })
        }

        // Cargo leaves this out where `harness = false`. Where that is forgotten, no suite runs, and this is the only test.
        #[test]
        fn venomqa_needs_harness_false() {
            ::core::panic!(
                "no suite was run: write `harness = false` below `[[test]]` `name = \"{}\"` in Cargo.toml",
                ::core::env!("CARGO_CRATE_NAME")
            );
        }
    };
}

/// Lists or runs the tests of all suites that are linked into this program.
pub fn main(target: Target) -> ExitCode {
    run(target).unwrap_or_else(Stop::report)
}

fn run(target: Target) -> Result<ExitCode, Stop> {
    let variable = |name: &str| std::env::var(name).ok();
    let arguments = std::env::args_os().map(|argument| argument.to_string_lossy().into_owned());
    let args = Args::read(arguments, variable("RUST_TEST_THREADS"))?;
    let environment = Environment::read(variable)?;
    let suites = Suite::all().map_err(Stop::set_up)?;
    Session::new(target, args, environment, suites).run()
}
