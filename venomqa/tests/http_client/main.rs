//! The client against real servers on real sockets, and against services in this process.

mod connections;
mod failures;
mod identities;
#[cfg(feature = "tower")]
mod in_process;
mod record;
mod sends;
mod servers;

use std::collections::BTreeMap;

use serde::Deserialize;
use venomqa::Request;

#[derive(Debug, Deserialize, PartialEq)]
struct Echo {
    method: String,
    uri: String,
    headers: BTreeMap<String, String>,
    body: String,
}

async fn echo(request: Request) -> Echo {
    let answer = request.send().await.expect("an answer");
    answer.json_as().expect("an echo")
}

fn assert_send_sync<T: Send + Sync + 'static>(_: &T) {}
