use std::fmt;
use std::future::Future;
use std::sync::Arc;

use crate::outcome::{IntoOutcome, Outcome};
use crate::{BoxFuture, Context, HttpClient, Parts, StatusRange};

/// One thing that a user of the API can do.
///
/// `#[action]` makes one of a function of almost any shape; by hand it is made of an async function of the API and the
/// context:
///
/// ```
/// # use venomqa::prelude::*;
/// async fn create_order(api: &HttpClient, ctx: &mut Context) -> ActionResult {
///     let created = api.post("/orders").json(&json!({ "amount": 100 })).send().await?;
///     ctx.set("order_id", created.json()?["id"].clone());
///     Ok(created)
/// }
/// let action = Action::new("create_order", create_order).max_calls(2);
/// ```
#[derive(Clone)]
pub struct Action {
    pub(crate) name: String,
    pub(crate) label: String,
    pub(crate) about: String,
    pub(crate) requires: Vec<String>,
    pub(crate) max_calls: Option<u32>,
    pub(crate) expect: Vec<StatusRange>,
    pub(crate) may_fail: bool,
    pub(crate) weight: u32,
    pub(crate) call: Arc<ActionCall>,
}

type ActionCall = dyn for<'a> Fn(Parts<'a>) -> BoxFuture<'a, Outcome> + Send + Sync;

impl Action {
    /// An action that expects 2xx or 3xx and applies whenever its function says so.
    pub fn new<F>(name: impl Into<String>, action: F) -> Self
    where
        F: for<'a> StepFn<'a> + Clone + 'static,
    {
        Self::of_parts(name, move |mut parts| {
            let action = action.clone();
            Box::pin(async move {
                let taken = parts
                    .world()
                    .main_api()
                    .and_then(|api| Ok((api, parts.context_mut()?)));
                match taken {
                    Ok((api, context)) => action.call(api, context).await,
                    Err(error) => Outcome::Failed(error),
                }
            })
        })
    }

    /// An action of a function that takes what it needs from [`Parts`], the form of which all others are made.
    pub fn of_parts(
        name: impl Into<String>,
        call: impl for<'a> Fn(Parts<'a>) -> BoxFuture<'a, Outcome> + Send + Sync + 'static,
    ) -> Self {
        let name = name.into();
        Self {
            label: name.clone(),
            name,
            about: String::new(),
            requires: Vec::new(),
            max_calls: None,
            expect: StatusRange::DEFAULT.to_vec(),
            may_fail: false,
            weight: 1,
            call: Arc::new(call),
        }
    }

    /// The arguments of this instance of the action, shown as `create_order[amount=0]`. Instances share the action's
    /// name: bugs that differ in arguments only are one bug.
    #[must_use]
    pub fn arguments(mut self, arguments: &str) -> Self {
        self.label = format!("{}[{arguments}]", self.name);
        self
    }

    /// The context keys without which the action does not apply.
    #[must_use]
    pub fn requires<I: Into<String>>(mut self, keys: impl IntoIterator<Item = I>) -> Self {
        self.requires.extend(keys.into_iter().map(Into::into));
        self
    }

    /// The most calls on one path, all instances of the action together.
    #[must_use]
    pub fn max_calls(mut self, calls: u32) -> Self {
        self.max_calls = Some(calls);
        self
    }

    /// The statuses that count as success, instead of 2xx and 3xx.
    #[must_use]
    pub fn expect(mut self, statuses: impl IntoIterator<Item = StatusRange>) -> Self {
        self.expect = statuses.into_iter().collect();
        self
    }

    /// The run stays green although the action never gets a status that it expects.
    #[must_use]
    pub fn may_fail(mut self) -> Self {
        self.may_fail = true;
        self
    }

    /// Its share under the strategy `Weighted`, 1 by default.
    #[must_use]
    pub fn weight(mut self, weight: u32) -> Self {
        self.weight = weight;
        self
    }

    /// Whether this status counts as success.
    pub(crate) fn expects(&self, status: u16) -> bool {
        self.expect.iter().any(|range| range.contains(status))
    }
}

impl fmt::Debug for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Action")
            .field("label", &self.label)
            .finish_non_exhaustive()
    }
}

/// Implemented by `async fn(&HttpClient, &mut Context) -> impl IntoOutcome`.
pub trait StepFn<'a>: Send + Sync {
    /// Calls it.
    fn call(&self, api: &'a HttpClient, context: &'a mut Context) -> BoxFuture<'a, Outcome>;
}

impl<'a, F, R> StepFn<'a> for F
where
    F: Fn(&'a HttpClient, &'a mut Context) -> R + Send + Sync,
    R: Future<Output: IntoOutcome + Send> + Send + 'a,
{
    fn call(&self, api: &'a HttpClient, context: &'a mut Context) -> BoxFuture<'a, Outcome> {
        let outcome = self(api, context);
        Box::pin(async move { outcome.await.into_outcome().await })
    }
}
