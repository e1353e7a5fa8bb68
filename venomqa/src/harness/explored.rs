use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::console::Console;
use super::progress::Progress;
use crate::panics;
use crate::registry::Suite;
use crate::{Agent, Config, Exploration, Replay};

/// What came of exploring a suite.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) enum Explored {
    /// It ran, and this is what it did.
    Ended(Box<Exploration>),
    /// It did not run, or did not come to its end, for this reason.
    Failed(String),
}

/// Explores a suite.
pub(crate) fn explore(
    suite: &Suite,
    config: Config,
    console: &Arc<Console>,
    stream: bool,
) -> Explored {
    let progress = Progress::of(suite.name(), console);
    let observer = progress.observer(suite.name(), stream.then(|| Arc::clone(console)));
    let ended = with_agent(suite, config, async |agent| {
        agent.observer(observer).explore().await
    });
    match ended {
        Ok(exploration) => Explored::Ended(Box::new(exploration)),
        Err(Cause::World(why)) => Explored::Failed(not_ready(&why)),
        Err(Cause::Run(why)) if progress.started() => {
            Explored::Failed(format!("the exploration did not come to its end: {why}"))
        }
        Err(Cause::Run(why)) => Explored::Failed(not_ready(&why)),
    }
}

/// Executes one sequence of a suite in a world of its own.
///
/// # Errors
///
/// There is no world, or no such action.
pub(crate) fn replay(
    suite: &Suite,
    config: Config,
    labels: &[String],
    console: &Arc<Console>,
) -> Result<Replay, String> {
    let _progress = Progress::of(suite.name(), console);
    with_agent(suite, config, async |agent| agent.replay(labels).await).map_err(|cause| match cause
    {
        Cause::World(why) => not_ready(&why),
        Cause::Run(why) => why,
    })
}

enum Cause {
    World(String),
    Run(String),
}

fn not_ready(why: &str) -> String {
    format!("the world could not be made ready: {why}")
}

fn with_agent<T>(
    suite: &Suite,
    config: Config,
    run: impl AsyncFnOnce(Agent) -> crate::Result<T>,
) -> Result<T, Cause> {
    // A thread beside this one, although exploring is sequential: the world function may start a server on this runtime, and a rule or
    // an action that blocks must not block that server. It costs about 12 us a request (loopback: 36 us, 23 us on one thread
    // alone). Exploring on a worker is as fast as one thread, but there whoever blocks may keep the sockets from being polled; a
    // second worker costs another 12 us.
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .thread_name("venomqa")
        .enable_all()
        .build()
        .map_err(|error| Cause::World(error.to_string()))?;
    let result = runtime.block_on(async {
        let world = panics::catch(async { (suite.exploration.world)().await }).await;
        let world = world
            .map_err(|panicked| Cause::World(panicked.to_string()))?
            .map_err(|error| Cause::World(error.to_string()))?;
        run(suite.agent(world, config))
            .await
            .map_err(|error| Cause::Run(error.to_string()))
    });
    // What the user's code left running on threads of its own must not hold up the results.
    runtime.shutdown_timeout(Duration::from_secs(2));
    result
}
