use std::net::Ipv6Addr;
use std::time::Duration;

use tokio::time::Instant;

use super::port;
use crate::{HttpClient, Result};

/// When a server counts as ready.
#[derive(Clone, Debug)]
pub(super) enum Readiness {
    /// It accepts connections.
    Listening,
    /// A `GET` of this path is answered with 2xx, or with one of these.
    Answers { path: String, also: Vec<u16> },
}

/// Why a server did not become ready.
pub(super) enum NotReady {
    Ended,
    TooLate { last: String },
}

/// Waits until a server is ready. Nothing counts that is answered after ours has ended: then somebody else is on its port.
pub(super) async fn wait(
    readiness: &Readiness,
    port: u16,
    limit: Duration,
    mut is_alive: impl FnMut() -> bool,
) -> Result<(), NotReady> {
    let deadline = Instant::now() + limit;
    let mut pause = Duration::from_millis(2);
    let mut last = "it accepts connections and does not answer".to_owned();
    loop {
        if !is_alive() {
            return Err(NotReady::Ended);
        }
        let left = deadline.saturating_duration_since(Instant::now());
        let probed = tokio::time::timeout(left, probe(readiness, port)).await;
        if !is_alive() {
            return Err(NotReady::Ended);
        }
        match probed {
            Ok(Ok(())) => return Ok(()),
            Ok(Err(why)) => last = why,
            // The limit has cut the last one short: what was found before says more.
            Err(_) => {}
        }
        if Instant::now() + pause >= deadline {
            let elsewhere = port::answers((Ipv6Addr::LOCALHOST, port).into());
            let hint = if elsewhere {
                "; it does answer on [::1], but not on 127.0.0.1, where it has to"
            } else {
                ""
            };
            return Err(NotReady::TooLate {
                last: format!("{last}{hint}"),
            });
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(Duration::from_millis(50));
    }
}

/// What is missing, if it is not ready yet.
async fn probe(readiness: &Readiness, port: u16) -> Result<(), String> {
    match readiness {
        Readiness::Listening => {
            if port::answers(port::at(port)) {
                Ok(())
            } else {
                Err(format!("nothing listens on 127.0.0.1:{port}"))
            }
        }
        Readiness::Answers { path, also } => {
            let client = HttpClient::new(&format!("http://{}", port::at(port)))
                .map_err(|error| error.to_string())?;
            match client.get(path).send().await {
                Ok(answer) if answer.is_success() || also.contains(&answer.status()) => Ok(()),
                Ok(answer) => Err(answer.exchange().to_string()),
                Err(error) => Err(error.to_string()),
            }
        }
    }
}
