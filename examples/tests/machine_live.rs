//! The orders machine on real databases: the figures are exact, whatever the orders lie in, and whatever lies beside them.

use std::path::Path;
use std::sync::{Arc, LazyLock};

use libtest_mimic::{Arguments, Failed, Trial};
use venomqa::adapters::{
    MySqlAdapter, MySqlMode, MySqlOptions, PostgresAdapter, PostgresMode, PostgresOptions,
};
use venomqa::{Config, Ended, HttpClient, StrategyKind, World};
use venomqa_examples::orders_machine::{everything, http, live, states, transitions};
use venomqa_examples::{databases, machine};
use venomqa_tests::servers::{MariaDb, Postgres, Redis};

/// The database servers, which start when a test wants them.
struct Servers {
    postgres: LazyLock<Postgres>,
    mariadb: LazyLock<MariaDb>,
    redis: LazyLock<Redis>,
}

impl Servers {
    fn postgres(&self, database: &str) -> String {
        self.postgres.url(&format!("venomqa_{database}"))
    }

    fn mariadb(&self, database: &str) -> String {
        self.mariadb.url(&format!("venomqa_{database}"))
    }
}

/// In how many rows or keys the orders lie that have nothing to do with them.
const UNRELATED: u32 = 100_000;

const STRATEGIES: [StrategyKind; 5] = [
    StrategyKind::Bfs,
    StrategyKind::Dfs,
    StrategyKind::CoverageGuided,
    StrategyKind::Random,
    StrategyKind::Weighted,
];

fn main() {
    let arguments = Arguments::from_args();
    let servers = Arc::new(Servers {
        postgres: LazyLock::new(Postgres::start),
        mariadb: LazyLock::new(MariaDb::start),
        redis: LazyLock::new(Redis::start),
    });
    let mut trials = vec![
        trial("three orders in SQLite", &servers, async |_| {
            check(in_file().await, 3, StrategyKind::Bfs).await;
        }),
        trial("three orders in PostgreSQL", &servers, async |servers| {
            let world = in_database(&servers.postgres("machine")).await;
            check(world, 3, StrategyKind::Bfs).await;
        }),
        trial("three orders in MariaDB", &servers, async |servers| {
            let world = in_database(&servers.mariadb("machine")).await;
            check(world, 3, StrategyKind::Bfs).await;
        }),
        trial("three orders in Redis", &servers, async |servers| {
            let world = in_redis(&servers.redis).await;
            check(world, 3, StrategyKind::Bfs).await;
        }),
    ];
    // Savepoints go back in stack order only, and the application uses the adapter's connection.
    for strategy in STRATEGIES {
        let name = format!("two orders on savepoints of PostgreSQL, {strategy:?}");
        trials.push(trial(&name, &servers, async move |servers| {
            let url = servers.postgres(&format!("savepoints_{strategy:?}"));
            check(on_postgres(&url).await, 2, strategy).await;
        }));
        let name = format!("two orders on savepoints of MariaDB, {strategy:?}");
        trials.push(trial(&name, &servers, async move |servers| {
            let url = servers.mariadb(&format!("savepoints_{strategy:?}"));
            check(on_mysql(&url).await, 2, strategy).await;
        }));
    }
    let conclusion = libtest_mimic::run(&arguments, trials);
    drop(servers);
    conclusion.exit()
}

fn trial(
    place: &str,
    servers: &Arc<Servers>,
    test: impl AsyncFnOnce(&Servers) + Send + 'static,
) -> Trial {
    let servers = Arc::clone(servers);
    Trial::test(format!("{place}, explored completely"), move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        runtime.block_on(test(&servers));
        Ok::<_, Failed>(())
    })
}

const MACHINE: &str = env!("CARGO_BIN_EXE_machine");
const FOLDER: &str = env!("CARGO_TARGET_TMPDIR");

async fn in_database(url: &str) -> World {
    live::renew(url, UNRELATED).await.expect("a new database");
    live::world(Path::new(MACHINE), url, 3, Path::new(FOLDER))
        .await
        .expect("a world")
}

async fn in_redis(redis: &Redis) -> World {
    let url = redis.url(0);
    live::renew(&url, UNRELATED).await.expect("new keys");
    live::world(Path::new(MACHINE), &url, 3, &redis.folder())
        .await
        .expect("a world")
}

async fn in_file() -> World {
    let file = Path::new(FOLDER).join("machine.db");
    http::renew(&file, UNRELATED).expect("a new file");
    let program = Path::new(env!("CARGO_BIN_EXE_orders"));
    http::world(program, &file, 3).await.expect("a world")
}

async fn on_postgres(url: &str) -> World {
    databases::remake_postgres(url).await.expect("a database");
    let options = PostgresOptions::from_url(url).expect("a URL");
    let options = options.mode(PostgresMode::Savepoint);
    let db: Arc<PostgresAdapter> = Arc::new(options.connect().await.expect("it is ours"));
    let api = machine::on_postgres(db.clone(), 2).await.expect("a table");
    World::new(HttpClient::in_process(api).expect("a client")).with("db", db)
}

async fn on_mysql(url: &str) -> World {
    databases::remake_mysql(url).await.expect("a database");
    let options = MySqlOptions::from_url(url).expect("a URL");
    let options = options.mode(MySqlMode::Savepoint);
    let db: Arc<MySqlAdapter> = Arc::new(options.connect().await.expect("it is ours"));
    let api = machine::on_mysql(db.clone(), 2).await.expect("a table");
    World::new(HttpClient::in_process(api).expect("a client")).with("db", db)
}

async fn check(world: World, orders: u32, strategy: StrategyKind) {
    let config = Config {
        strategy,
        ..everything()
    };
    let agent = http::agent(world, orders).config(config);
    let found = agent.explore().await.expect("an exploration");
    let told = found.summary();
    assert_eq!(found.ended, Ended::Complete, "{told}");
    assert_eq!(found.shortcomings(), [""; 0], "{told}");
    assert!(found.diverged.is_empty(), "{told}");
    let figures = (found.states_visited, found.transitions, found.depth);
    let expected = (states(orders), transitions(orders), 4 * orders);
    assert_eq!(figures, expected, "{told}");
    let [violation] = &*found.violations else {
        panic!("{told}");
    };
    assert_eq!(violation.path(), "create-pay-refund-cancel", "{told}");
    assert!(violation.is_confirmed(), "{told}");
}
