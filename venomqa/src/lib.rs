//! Finds the bugs of stateful HTTP APIs that hide in sequences of calls.

mod action;
mod agent;
mod config;
mod context;
#[cfg(feature = "demo")]
pub mod demo;
mod error;
mod explorer;
mod harness;
pub mod http;
mod invariant;
mod outcome;
mod panics;
mod registry;
mod report;
pub mod server;
mod status;
mod step;
mod verdict;
mod world;

pub use action::Action;
pub use agent::{Agent, Replay};
pub use config::{Config, StrategyKind};
pub use context::Context;
pub use error::{Error, Result};
pub use explorer::{
    ActionReport, Confirmation, Divergence, Ended, Event, Exploration, RuleReport, SystemReport,
    Violation,
};
pub use http::{
    Cookies, Exchange, HttpClient, Multipart, Request, Response, Role, SentRequest, ShownExchange,
    ShownRequest, ShownResponse,
};
pub use invariant::{Invariant, Severity, When};
pub use outcome::{ActionResult, IntoOutcome, Outcome};
pub use registry::{ActionArgument, InvariantArgument, Parts};
pub use serde_json::json;
pub use server::Server;
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
    pub use crate::harness::{Target, main};
    pub use crate::registry::{
        ActionArgument, ActionEntry, ExplorationEntry, InvariantArgument, InvariantEntry, Parts,
        Place, ValuesArgument, not_checked,
    };
    pub use crate::{
        BoxFuture, Checked, Config, IntoChecked, IntoOutcome, IntoWorld, Outcome, Result, Severity,
        StatusRange, StrategyKind, When, World,
    };
    pub use inventory;
}
