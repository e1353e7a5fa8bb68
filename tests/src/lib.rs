//! What the acceptance tests share: programs that are built, run in processes of their own, and looked at.

mod built;
mod page;
mod run;
#[cfg(unix)]
pub mod servers;

pub use built::built;
pub use page::Page;
pub use run::{Run, undisturbed};

/// The `main` function of a fixture: `venomqa::main!`, with the folder of the manifest taken from `FIXTURE_DIR`, so that
/// each test has regressions of its own.
#[macro_export]
macro_rules! fixture_main {
    () => {
        fn main() -> ::std::process::ExitCode {
            let folder = ::std::env::var("FIXTURE_DIR");
            ::venomqa::__private::main(::venomqa::__private::Target {
                manifest_dir: folder.map_or(env!("CARGO_MANIFEST_DIR"), |folder| folder.leak()),
                crate_name: env!("CARGO_CRATE_NAME"),
            })
        }
    };
}
