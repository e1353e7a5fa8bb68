//! The test harness as users meet it: fixtures, which are test targets with `venomqa::main!()`, driven as processes.

mod calls;
mod environment;
mod failures;
mod fixture;
mod processes;
mod regressions;
mod reports;
