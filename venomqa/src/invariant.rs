use std::fmt;
use std::future::Future;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::verdict::{Checked, IntoChecked};
use crate::{BoxFuture, Context, HttpClient, Parts};

/// How bad it is when a rule is broken.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Cosmetic.
    Low,
    /// Wrong, with a way around it.
    #[default]
    Medium,
    /// Wrong, and users suffer.
    High,
    /// Money, data or access is lost.
    Critical,
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        })
    }
}

/// When a rule is checked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum When {
    /// In the restored state, before each action. Where it is broken, the action is not performed.
    Before,
    /// After each action.
    #[default]
    After,
    /// Both.
    Both,
}

/// A rule that must always hold.
///
/// `#[invariant]` makes one of a function of almost any shape; by hand it is made of an async function of the API and the
/// context:
///
/// ```
/// # use venomqa::prelude::*;
/// async fn no_debt(api: &HttpClient, _ctx: &Context) -> Verdict {
///     let balance = api.get("/balance").send().await?.json_as::<i64>()?;
///     ensure!(balance >= 0, "the balance is {balance}");
///     Ok(())
/// }
/// let rule = Invariant::new("no_debt", no_debt).severity(Severity::Critical);
/// ```
#[derive(Clone)]
pub struct Invariant {
    pub(crate) name: String,
    pub(crate) about: String,
    pub(crate) severity: Severity,
    pub(crate) when: When,
    pub(crate) takes_step: bool,
    pub(crate) call: Arc<InvariantCall>,
}

type InvariantCall = dyn for<'a> Fn(Parts<'a>) -> BoxFuture<'a, Checked> + Send + Sync;

impl Invariant {
    /// A rule of medium severity, checked after every action.
    pub fn new<F>(name: impl Into<String>, rule: F) -> Self
    where
        F: for<'a> RuleFn<'a> + Clone + 'static,
    {
        Self::of_parts(name, move |mut parts| {
            let rule = rule.clone();
            Box::pin(async move {
                let taken = parts
                    .world()
                    .main_api()
                    .and_then(|api| Ok((api, parts.context()?)));
                match taken {
                    Ok((api, context)) => rule.call(api, context).await,
                    Err(error) => Checked::NotChecked(error.to_string()),
                }
            })
        })
    }

    /// A rule of a function that takes what it needs from [`Parts`], the form of which all others are made.
    pub fn of_parts(
        name: impl Into<String>,
        call: impl for<'a> Fn(Parts<'a>) -> BoxFuture<'a, Checked> + Send + Sync + 'static,
    ) -> Self {
        Self {
            name: name.into(),
            about: String::new(),
            severity: Severity::default(),
            when: When::default(),
            takes_step: false,
            call: Arc::new(call),
        }
    }

    /// How bad it is when the rule is broken.
    #[must_use]
    pub fn severity(mut self, severity: Severity) -> Self {
        self.severity = severity;
        self
    }

    /// When the rule is checked.
    #[must_use]
    pub fn when(mut self, when: When) -> Self {
        self.when = when;
        self
    }

    /// The rule looks at the last action ([`Step`](crate::Step)), so it is not checked before the first one.
    ///
    /// Only for rules made by [`of_parts`](Invariant::of_parts); of a function's arguments the macro knows it.
    #[must_use]
    pub fn takes_step(mut self) -> Self {
        self.takes_step = true;
        self
    }

    /// The rule in a sentence, for reports.
    #[must_use]
    pub fn about(mut self, about: impl Into<String>) -> Self {
        self.about = about.into();
        self
    }
}

impl fmt::Debug for Invariant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Invariant")
            .field("name", &self.name)
            .field("severity", &self.severity)
            .field("when", &self.when)
            .finish_non_exhaustive()
    }
}

/// Implemented by `async fn(&HttpClient, &Context) -> impl IntoChecked`.
pub trait RuleFn<'a>: Send + Sync {
    /// Calls it.
    fn call(&self, api: &'a HttpClient, context: &'a Context) -> BoxFuture<'a, Checked>;
}

impl<'a, F, R> RuleFn<'a> for F
where
    F: Fn(&'a HttpClient, &'a Context) -> R + Send + Sync,
    R: Future<Output: IntoChecked> + Send + 'a,
{
    fn call(&self, api: &'a HttpClient, context: &'a Context) -> BoxFuture<'a, Checked> {
        let verdict = self(api, context);
        Box::pin(async move { verdict.await.into_checked() })
    }
}
