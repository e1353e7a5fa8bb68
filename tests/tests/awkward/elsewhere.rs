use venomqa::adapters::SqliteAdapter;
use venomqa::prelude::*;

use crate::lab::{Lab, assert_tells, shop, write_note};

/// A database as another API, or an earlier run, left it.
async fn unrelated(lab: &Lab) -> SqliteAdapter {
    let file = rusqlite::Connection::open(lab.database()).unwrap();
    file.execute_batch("CREATE TABLE orders (id INTEGER PRIMARY KEY)")
        .unwrap();
    SqliteAdapter::open(lab.database()).await.unwrap()
}

/// The server writes to one database, and the world holds another.
#[tokio::test]
async fn a_system_that_sees_nothing_of_what_the_server_writes_is_not_green() {
    let (lab, other) = (Lab::new(""), Lab::new(""));
    let server = lab.spawn().await.unwrap();
    let db = unrelated(&other).await;
    let world = World::new(server.client())
        .with("db", db)
        .with_server(server);
    let exploration = shop(world).explore().await.unwrap();
    let doubts = exploration.doubts.join("\n");
    let told = [
        "nothing ever changed in `db`",
        "shop.db",
        "`POST /orders -> 201`",
    ];
    assert_tells(&doubts, &told);
    assert!(exploration.shortcomings().contains(&exploration.doubts[0]));
}

/// One system of two is enough.
#[tokio::test]
async fn a_system_that_stays_as_it_is_beside_one_that_changes_is_green() {
    let (lab, other) = (Lab::new(""), Lab::new(""));
    let world = lab.world().await;
    let idle = unrelated(&other).await;
    let agent = Agent::new(world.with("idle", idle))
        .action(Action::new("write_note", write_note))
        .max_depth(2);
    let exploration = agent.explore().await.unwrap();
    assert_eq!(exploration.shortcomings(), [""; 0]);
}
