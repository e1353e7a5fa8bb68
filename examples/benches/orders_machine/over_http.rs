use tokio::runtime::Runtime;
use venomqa::Server;
use venomqa_examples::orders_machine::{http, transitions};

use crate::explore;
use crate::place::{Place, Sqlite};

const ROUNDS: usize = 5;

/// Rates in transitions a second, each of which is two requests: the action's and the rule's.
struct Round {
    venomqa: f64,
    beside_many_rows: f64,
    plain_loop: f64,
}

pub(crate) fn print() {
    // As the test harness does it.
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .unwrap();
    println!("over HTTP, K=3, real servers: transitions/s, medians of {ROUNDS} rounds");
    println!("  plain loop: as many requests of a bare client, of which as many commit");
    println!(
        "  {:<12}{:>9}{:>22}{:>12}{:>22}{:>22}",
        "orders in",
        "VenomQA",
        "beside 100,000 rows",
        "plain loop",
        "beside : without rows",
        "VenomQA : plain loop"
    );
    print_row(&runtime, &Sqlite::new());
    #[cfg(feature = "live")]
    print_live(&runtime);
    println!();
}

#[cfg(feature = "live")]
fn print_live(runtime: &Runtime) {
    use crate::live::Database;
    use venomqa_tests::servers::{MariaDb, Postgres, Redis};

    // With commits that outlive a failure of power, as users have them.
    let postgres = Postgres::own(&["fsync=on"]);
    let (mariadb, redis) = (MariaDb::start(), Redis::start());
    let databases = [
        ("PostgreSQL", postgres.url("venomqa_machine")),
        ("MariaDB", mariadb.url("venomqa_machine")),
        ("Redis", redis.url(0)),
    ];
    for (name, url) in databases {
        let folder = redis.folder();
        print_row(runtime, &Database { name, url, folder });
    }
}

fn print_row(runtime: &Runtime, place: &impl Place) {
    // In turns, so that a noisy machine is noisy to all alike.
    let rounds: Vec<_> = (0..ROUNDS)
        .map(|_| runtime.block_on(round(place)))
        .collect();
    let of = |value: fn(&Round) -> f64| {
        let mut values: Vec<_> = rounds.iter().map(value).collect();
        values.sort_by(f64::total_cmp);
        values[ROUNDS / 2]
    };
    println!(
        "  {:<12}{:>9.0}{:>22.0}{:>12.0}{:>22.2}{:>22.2}",
        place.name(),
        of(|round| round.venomqa),
        of(|round| round.beside_many_rows),
        of(|round| round.plain_loop),
        of(|round| round.beside_many_rows / round.venomqa),
        of(|round| round.venomqa / round.plain_loop),
    );
}

async fn round(place: &impl Place) -> Round {
    let (venomqa, committed) = explored(place, 0).await;
    let plain_loop = plain_loop(place.server().await, committed).await;
    let (beside_many_rows, _) = explored(place, 100_000).await;
    Round {
        venomqa,
        beside_many_rows,
        plain_loop,
    }
}

/// The rate, and the number of transitions that committed something.
async fn explored(place: &impl Place, unrelated: u32) -> (f64, u64) {
    let measured = explore(http::agent(place.world(unrelated).await, 3), 3).await;
    let answered = measured
        .result
        .actions
        .iter()
        .flat_map(|action| &action.statuses);
    let committed = answered
        .filter(|(status, _)| **status < 300)
        .map(|(_, times)| times)
        .sum();
    (measured.rate(), committed)
}

/// The same number of requests, one after the other and as many of them committing, without rollback or anything else of ours. Without
/// rollback the same requests would soon all be refused: a third order that comes and goes stands for all that commits, a payment of no
/// order for what is refused.
async fn plain_loop(server: Server, committed: u64) -> f64 {
    let url = server.url();
    let client = reqwest::Client::builder()
        .no_proxy()
        .tcp_nodelay(true)
        .build()
        .unwrap();
    let create = || {
        client
            .post(format!("{url}/orders"))
            .header("Content-Type", "application/json")
            .body(r#"{"amount":100,"payment":"later"}"#)
    };
    send(create()).await;
    send(create()).await;
    let all = transitions(3);
    let start = std::time::Instant::now();
    let mut exists = false;
    for n in 0..all {
        // Spread evenly: the n-th transition commits if the count of commits due grows with it.
        let commits = (n + 1) * committed / all > n * committed / all;
        let request = match (commits, exists) {
            (false, _) => client.post(format!("{url}/orders/9/pay")),
            (true, true) => client.delete(format!("{url}/orders/3")),
            (true, false) => create(),
        };
        exists ^= commits;
        send(request).await;
        send(client.get(format!("{url}/orders"))).await;
    }
    all as f64 / start.elapsed().as_secs_f64()
}

async fn send(request: reqwest::RequestBuilder) {
    let response = request
        .header("Authorization", "Bearer alice-token")
        .send()
        .await
        .unwrap();
    response.bytes().await.unwrap();
}
