use std::fmt;
use std::future::Future;
use std::time::Duration;

use serde_json::Value;

use super::stage::Stage;
use crate::{BoxFuture, Error, HttpClient, Result, World, panics};

/// A function of the user's that the run calls at a certain time, with the main API.
pub(super) type Hook<T> = Box<dyn Fn(HttpClient) -> BoxFuture<'static, Result<T>> + Send + Sync>;

#[derive(Default)]
pub(super) struct Hooks {
    pub(super) setup: Option<Hook<()>>,
    pub(super) teardown: Option<Hook<()>>,
    pub(super) reset: Option<Hook<()>>,
    pub(super) observe: Option<Hook<Value>>,
    pub(super) quiet: Option<(Duration, Hook<bool>)>,
}

impl fmt::Debug for Hooks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let given = [
            ("setup", self.setup.is_some()),
            ("teardown", self.teardown.is_some()),
            ("reset", self.reset.is_some()),
            ("observe", self.observe.is_some()),
            ("quiet_when", self.quiet.is_some()),
        ];
        f.debug_set()
            .entries(
                given
                    .iter()
                    .filter(|(_, given)| *given)
                    .map(|(name, _)| name),
            )
            .finish()
    }
}

pub(super) fn hook<T, F, Fut>(function: F) -> Hook<T>
where
    F: Fn(HttpClient) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<T>> + Send + 'static,
{
    Box::new(move |api| Box::pin(function(api)))
}

impl Stage {
    /// Calls a function of the user's, if there is one. It leaves no trace: cookies are what they were before, and what it sent is no
    /// step's doing.
    ///
    /// # Errors
    ///
    /// The function's own. A panic, and a function that does not end, are errors too: what was found until then must not be lost.
    pub(super) async fn call_hook<T>(
        &self,
        name: &str,
        hook: Option<&Hook<T>>,
    ) -> Result<Option<T>> {
        let Some(hook) = hook else {
            return Ok(None);
        };
        let api = self.world.main_api()?.clone();
        let ended = self.world.guarded(async { hook(api).await }).await;
        self.take_exchanges();
        for ((_, api), cookies) in self.world.apis.iter().zip(&self.cookies) {
            api.set_cookies(cookies.clone());
        }
        match ended {
            Err(fault) => Err(Error::set_up(format!("`{name}` failed: {fault}"))),
            Ok(result) => result.map(Some),
        }
    }
}

/// How a function of the user's ended that did not return.
pub(super) enum Fault {
    Panicked(panics::Panicked),
    /// It took longer than this.
    Endless(Duration),
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Panicked(panicked) => panicked.fmt(f),
            Self::Endless(limit) => {
                write!(
                    f,
                    "it did not end within {limit:?}, and `World::call_limit` allows no more"
                )
            }
        }
    }
}

impl World {
    /// Runs a function of the user's, for as long as it may take.
    pub(super) async fn guarded<T>(&self, work: impl Future<Output = T>) -> Result<T, Fault> {
        let work = panics::catch(work);
        // Without an API there is nothing to wait for, and a timer costs more than most steps.
        if self.apis.is_empty() {
            return work.await.map_err(Fault::Panicked);
        }
        match tokio::time::timeout(self.call_limit, work).await {
            Ok(ended) => ended.map_err(Fault::Panicked),
            Err(_) => Err(Fault::Endless(self.call_limit)),
        }
    }
}
