//! Finds the bugs of stateful HTTP APIs that hide in sequences of calls.

mod action;
mod config;
mod context;
mod error;
mod http;
mod invariant;
mod outcome;
mod registry;
mod status;
mod step;
mod verdict;
mod world;

pub use action::Action;
pub use config::{Config, StrategyKind};
pub use context::Context;
pub use error::{Error, Result};
pub use http::{Exchange, HttpClient, Request, Response, Server};
pub use invariant::{Invariant, Severity, When};
pub use outcome::{ActionResult, IntoOutcome, Outcome};
pub use registry::{ActionArgument, InvariantArgument, Parts};
pub use serde_json::json;
pub use status::StatusRange;
pub use step::Step;
pub use venomqa_adapters::{BoxFuture, System};
pub use venomqa_macros::{action, exploration, invariant};
pub use verdict::{Broken, Checked, IntoChecked, Verdict};
pub use world::{IntoWorld, World};

/// What a test file needs: `use venomqa::prelude::*;`.
pub mod prelude {
    pub use crate::{
        Action, ActionResult, Broken, Context, Error, HttpClient, Invariant, Request, Response,
        Result, Server, Severity, StatusRange, Step, System, Verdict, When, World, action, ensure,
        exploration, invariant, json,
    };
    pub use std::process::Command;
}

/// What generated code names. Not part of the public interface.
#[doc(hidden)]
pub mod __private {
    pub use crate::registry::{
        ActionArgument, ActionEntry, ExplorationEntry, InvariantArgument, InvariantEntry, Parts,
        Place, ValuesArgument, checked, not_checked, outcome, world,
    };
    pub use crate::{
        BoxFuture, Checked, Config, Outcome, Result, Severity, StatusRange, StrategyKind, When,
        World,
    };
    pub use inventory;
}
