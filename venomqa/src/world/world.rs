use std::any::Any;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use serde_json::Value;

use super::Ignore;
use super::hooks::{Hooks, hook};
use super::systems::Systems;
use crate::{Context, Error, HttpClient, Result, Server, System};

/// What is explored: the API, the systems behind it, and the context in which actions and rules run.
///
/// ```no_run
/// # use venomqa::prelude::*;
/// # async fn world() -> Result<World> {
/// let server = Server::spawn(Command::new("./orders")).ready_when("/health").await?;
/// Ok(World::new(server.client())
///     .with("stock", MockSystem::new())
///     .ignore("orders.created_at")
///     .with_server(server))
/// # }
/// ```
#[derive(Debug)]
pub struct World {
    pub(super) apis: Vec<(String, HttpClient)>,
    pub(super) systems: Systems,
    pub(super) servers: Vec<(String, Server)>,
    pub(super) context: Context,
    pub(super) ignored: Vec<Ignore>,
    pub(super) context_keys: Option<Vec<String>>,
    pub(super) memory_limit: usize,
    pub(super) call_limit: Duration,
    pub(super) hooks: Hooks,
}

/// The name of the API that `World::new` is given.
const MAIN_API: &str = "api";

impl World {
    /// A world around an API.
    pub fn new(api: HttpClient) -> Self {
        Self {
            apis: vec![(MAIN_API.into(), api)],
            ..Self::without_api()
        }
    }

    /// A world of systems only: its actions change them directly.
    pub fn without_api() -> Self {
        Self {
            apis: Vec::new(),
            systems: Systems::default(),
            servers: Vec::new(),
            context: Context::default(),
            ignored: Vec::new(),
            context_keys: None,
            memory_limit: 256 << 20,
            call_limit: Duration::from_secs(60),
            hooks: Hooks::default(),
        }
    }

    /// Adds a system that is rolled back between branches. Actions and rules take it by its type, or by this name.
    ///
    /// An [`Arc`] of it does as well, where an application in this process uses the system too.
    #[must_use]
    pub fn with(mut self, name: impl Into<String>, system: impl System) -> Self {
        self.systems.add(name.into(), system);
        self
    }

    /// Adds a further API, which actions and rules take with `#[api("name")]` or [`World::api`].
    #[must_use]
    pub fn with_api(mut self, name: impl Into<String>, api: HttpClient) -> Self {
        self.apis.push((name.into(), api));
        self
    }

    /// Hands the server over to the run, which restarts it for clean starts, shows its logs with a failure, reports its
    /// death as a finding, and stops it at the end.
    #[must_use]
    pub fn with_server(self, server: Server) -> Self {
        let name = if self.servers.is_empty() {
            "server".into()
        } else {
            format!("server {}", self.servers.len() + 1)
        };
        self.with_named_server(name, server)
    }

    /// As [`with_server`](World::with_server), with a name for messages.
    #[must_use]
    pub fn with_named_server(mut self, name: impl Into<String>, server: Server) -> Self {
        self.servers.push((name.into(), server));
        self
    }

    /// Sets a key of the context with which every sequence starts.
    #[must_use]
    pub fn context(mut self, key: impl Into<String>, value: impl Serialize) -> Self {
        self.context.set(key, value);
        self
    }

    /// Leaves something out of what identifies a state: a table (`"sessions"`), a column (`"orders.created_at"`), a part of a
    /// JSON column (`"orders.payload/updated_at"`, a JSON pointer), a key of the context (`"context.token"`), the cookies
    /// (`"cookies"`) or a part of what [`observe`](World::observe) returns (`"observed/updated_at"`).
    ///
    /// For values that differ each time: times, random ids. That a row, a key or a cookie is there still counts, only its value does
    /// not; of an ignored table nothing counts.
    /// Reports say what was ignored.
    #[must_use]
    pub fn ignore(mut self, what: impl Into<String>) -> Self {
        self.ignored.push(Ignore::parse(&what.into()));
        self
    }

    /// Takes only these keys of the context into what identifies a state, instead of all.
    #[must_use]
    pub fn state_from_context<I: Into<String>>(
        mut self,
        keys: impl IntoIterator<Item = I>,
    ) -> Self {
        self.context_keys
            .get_or_insert_default()
            .extend(keys.into_iter().map(Into::into));
        self
    }

    /// Adds what this function returns to what identifies a state, for data that no system of the world sees. It is
    /// called after every action and must change nothing.
    #[must_use]
    pub fn observe<F, Fut>(mut self, observe: F) -> Self
    where
        F: Fn(HttpClient) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<Value>> + Send + 'static,
    {
        self.hooks.observe = Some(hook(observe));
        self
    }

    /// Calls this before the first action: what it changes is part of the initial state, and undone at the end of the run. In a world
    /// without systems it is called again whenever the world starts over.
    ///
    /// What the function that makes the world changes itself is there to stay.
    #[must_use]
    pub fn setup<F, Fut>(mut self, setup: F) -> Self
    where
        F: Fn(HttpClient) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<()>> + Send + 'static,
    {
        self.hooks.setup = Some(hook(setup));
        self
    }

    /// Calls this once, after the last action.
    #[must_use]
    pub fn teardown<F, Fut>(mut self, teardown: F) -> Self
    where
        F: Fn(HttpClient) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<()>> + Send + 'static,
    {
        self.hooks.teardown = Some(hook(teardown));
        self
    }

    /// Calls this to bring the API back to its initial state, for what no system can roll back.
    ///
    /// A world with a reset goes back to its start and nowhere else: every branch is re-executed from there.
    #[must_use]
    pub fn reset<F, Fut>(mut self, reset: F) -> Self
    where
        F: Fn(HttpClient) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<()>> + Send + 'static,
    {
        self.hooks.reset = Some(hook(reset));
        self
    }

    /// Asks this until it says `true` after every action, after the rules and before every rollback, for APIs that go on working
    /// after they have answered. After 10 s without a yes the run ends with an error.
    #[must_use]
    pub fn quiet_when<F, Fut>(mut self, quiet: F) -> Self
    where
        F: Fn(HttpClient) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<bool>> + Send + 'static,
    {
        self.hooks.quiet = Some((Duration::from_secs(10), hook(quiet)));
        self
    }

    /// The memory that checkpoints may hold, in bytes; 256 MiB by default. Beyond it no more are kept, and the states
    /// that have none are rebuilt by performing again the actions that lead there.
    #[must_use]
    pub fn memory_limit(mut self, bytes: usize) -> Self {
        self.memory_limit = bytes;
        self
    }

    /// How long one call of an action, a rule or another function of the user's may take; 60 s by default. An action that takes longer
    /// ends the run with an error, a rule was not checked. A world without an API has no such limit.
    #[must_use]
    pub fn call_limit(mut self, limit: Duration) -> Self {
        self.call_limit = limit;
        self
    }

    /// The API that the world was made with.
    ///
    /// # Errors
    ///
    /// The world has none.
    pub fn main_api(&self) -> Result<&HttpClient> {
        let first = self.apis.first().map(|(_, api)| api);
        first.ok_or_else(|| {
            Error::set_up("this world has no API: it was made with `World::without_api()`")
        })
    }

    /// The API of this name.
    ///
    /// # Errors
    ///
    /// The world has none of this name.
    pub fn api(&self, name: &str) -> Result<&HttpClient> {
        find(&self.apis, name).ok_or_else(|| {
            unknown(
                "API",
                name,
                names(self.apis.iter().map(|(name, _)| name.as_str())),
            )
        })
    }

    /// The server of this name.
    ///
    /// # Errors
    ///
    /// The world has none of this name.
    pub fn server(&self, name: &str) -> Result<&Server> {
        find(&self.servers, name).ok_or_else(|| {
            unknown(
                "server",
                name,
                names(self.servers.iter().map(|(name, _)| name.as_str())),
            )
        })
    }

    /// The system of this type, and of this name if one is given.
    ///
    /// # Errors
    ///
    /// The world has none of this type and name, or several of this type and no name is given.
    pub fn system<T: System>(&self, name: Option<&str>) -> Result<&T> {
        let wanted = short_name(std::any::type_name::<T>());
        if let Some(name) = name {
            let system = self.systems.iter().find(|(own, _)| *own == name);
            let (_, system) = system.ok_or_else(|| {
                unknown(
                    "system",
                    name,
                    names(self.systems.iter().map(|(name, _)| name)),
                )
            })?;
            return downcast(system)
                .ok_or_else(|| Error::set_up(format!("system `{name}` is not a `{wanted}`")));
        }
        let mut found = self
            .systems
            .iter()
            .filter_map(|(name, system)| Some((name, downcast::<T>(system)?)));
        let Some((first, system)) = found.next() else {
            let named = names(self.systems.iter().map(|(name, _)| name));
            return Err(Error::set_up(format!(
                "this world has no `{wanted}`; add it with `World::with` (systems: {named})"
            )));
        };
        match found.next() {
            None => Ok(system),
            Some((second, _)) => Err(Error::set_up(format!(
                "this world has several `{wanted}`: say which with `#[system(\"{first}\")]` or `#[system(\"{second}\")]`"
            ))),
        }
    }
}

/// As it is, or shared.
fn downcast<T: System>(system: &dyn System) -> Option<&T> {
    let system = system as &dyn Any;
    let shared = || system.downcast_ref::<Arc<T>>();
    system.downcast_ref().or_else(|| Some(&**shared()?))
}

fn find<'a, T>(named: &'a [(String, T)], name: &str) -> Option<&'a T> {
    named
        .iter()
        .find(|(own, _)| own == name)
        .map(|(_, value)| value)
}

fn names<'a>(names: impl Iterator<Item = &'a str>) -> String {
    match names.collect::<Vec<_>>().as_slice() {
        [] => "none".into(),
        names => names.join(", "),
    }
}

fn unknown(what: &str, name: &str, known: String) -> Error {
    Error::set_up(format!(
        "this world has no {what} `{name}`; it has: {known}"
    ))
}

/// The last segment of a type's path.
fn short_name(path: &'static str) -> &'static str {
    path.rsplit("::").next().unwrap_or(path)
}
