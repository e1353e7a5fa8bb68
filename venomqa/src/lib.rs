//! Finds the bugs of stateful HTTP APIs that hide in sequences of calls.
//!
//! Declare what users do, with [`macro@action`], and what must hold, with [`macro@invariant`]. VenomQA explores every sequence against
//! the running API, rolls its databases back between branches, and reports each broken rule as a test of `cargo test`:
//!
//! ```no_run
//! use venomqa::prelude::*;
//!
//! #[exploration]
//! async fn orders() -> Result<World> {
//!     let server = Server::spawn(Command::new("target/debug/orders")).ready_when("/health").await?;
//!     Ok(World::new(server.client()).with_server(server))
//! }
//!
//! #[action]
//! fn create_order(api: &HttpClient) -> Request {
//!     api.post("/orders").json(&json!({ "amount": 100 }))
//! }
//!
//! #[invariant]
//! async fn one_order_at_most(api: &HttpClient) -> Verdict {
//!     let orders: Vec<Value> = api.get("/orders").send().await?.json_as()?;
//!     ensure!(orders.len() <= 1, "{} orders", orders.len());
//!     Ok(())
//! }
//!
//! venomqa::main!();
//! ```
//!
//! | you want to | look at |
//! |---|---|
//! | understand what it does | [`docs`], the guide |
//! | build the world | [`World`], [`Server`], [`HttpClient`], [`MockSystem`] |
//! | explore without macros | [`Agent`] |
//! | roll back something of your own | [`System`] |
//! | read the result | [`Exploration`], [`Violation`] |

mod action;
mod agent;
mod config;
mod context;
#[cfg(feature = "demo")]
pub mod demo;
pub mod docs;
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
pub use agent::Agent;
pub use config::{Config, StrategyKind};
pub use context::Context;
pub use error::{Error, Result};
pub use explorer::strategy::{self, Bfs, CoverageGuided, Dfs, Random, Strategy, Weighted};
pub use explorer::{
    ActionReport, Breach, Confirmation, Divergence, Ended, Event, Exploration, Replay, RuleReport,
    SystemReport, Violation,
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
pub use venomqa_adapters::{self as adapters, BoxFuture, MockSystem, System};
pub use venomqa_macros::{action, exploration, invariant};
pub use verdict::{Broken, Checked, IntoChecked, Verdict};
pub use world::{IntoWorld, World};

/// What a test file needs: `use venomqa::prelude::*;`.
pub mod prelude {
    #[cfg(feature = "sqlite")]
    pub use crate::adapters::SqliteAdapter;
    #[cfg(feature = "mysql")]
    pub use crate::adapters::{MySqlAdapter, MySqlMode, MySqlOptions};
    #[cfg(feature = "postgres")]
    pub use crate::adapters::{PostgresAdapter, PostgresMode, PostgresOptions};
    #[cfg(feature = "redis")]
    pub use crate::adapters::{RedisAdapter, RedisMode, RedisOptions};
    pub use crate::{
        Action, ActionResult, Agent, Bfs, Broken, Context, Error, HttpClient, Invariant,
        MockSystem, Request, Response, Result, Server, Severity, StatusRange, Step, System,
        Verdict, When, World, action, ensure, exploration, invariant, json,
    };
    pub use serde_json::Value;
    pub use std::process::Command;
}

/// What generated code names. Not part of the public interface.
#[doc(hidden)]
pub mod __private {
    pub use crate::harness::{Target, main};
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
