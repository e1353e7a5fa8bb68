use venomqa::adapters::SqliteAdapter;
use venomqa::prelude::*;
use venomqa::{Ended, Exploration};

use crate::lab::{
    Lab, assert_clean, assert_tells, create_order, delete_order, found, no_over_refund,
    refund_order, shop, write_note,
};

async fn forget(api: HttpClient) -> Result<()> {
    api.post("/reset").send().await?;
    Ok(())
}

async fn all_orders(api: HttpClient) -> Result<serde_json::Value> {
    let orders = api.get("/orders").send().await?.json()?;
    let notes = api.get("/notes").send().await?.json()?;
    Ok(json!([orders, notes]))
}

async fn true_states() -> u64 {
    let lab = Lab::new("limit=2");
    let exploration = shop(lab.world().await).explore().await.unwrap();
    assert_eq!(exploration.ended, Ended::Complete);
    exploration.states_visited
}

/// A server that keeps its data to itself.
async fn forgetful(quirks: &str) -> Server {
    Server::spawn(Lab::new(quirks).forgetful())
        .ready_when("/health")
        .await
        .unwrap()
}

#[tokio::test]
async fn a_server_that_is_restarted_needs_no_system() {
    let server = forgetful("limit=2").await;
    let world = World::new(server.client())
        .observe(all_orders)
        .with_server(server);
    let exploration = shop(world).explore().await.unwrap();
    assert_eq!(
        exploration.states_visited,
        true_states().await,
        "{}",
        exploration.summary()
    );
    assert_eq!(found(&exploration), [""; 0]);
    assert!(exploration.diverged.is_empty(), "{}", exploration.summary());
}

#[tokio::test]
async fn a_reset_needs_no_system_and_no_server_of_ours() {
    let server = forgetful("limit=2").await;
    let world = World::new(server.client())
        .observe(all_orders)
        .reset(forget);
    let exploration = shop(world).explore().await.unwrap();
    assert_eq!(
        exploration.states_visited,
        true_states().await,
        "{}",
        exploration.summary()
    );
    assert!(exploration.diverged.is_empty(), "{}", exploration.summary());
}

#[tokio::test]
async fn what_nobody_sees_never_merges_and_says_so() {
    let server = forgetful("second_refund=allowed").await;
    let world = World::new(server.client()).reset(forget);
    let agent = Agent::new(world)
        .action(Action::new("create_order", create_order))
        .action(Action::new("refund_order", refund_order))
        .invariant(Invariant::new("no_over_refund", no_over_refund))
        .max_depth(3);
    let exploration = agent.explore().await.unwrap();
    let told = exploration.summary();
    // Each sequence is a state of its own: none, c, cc, cr, ccc, ccr, crc, and crr breaks the rule.
    assert_eq!(exploration.states_visited, 8, "{told}");
    assert_eq!(
        found(&exploration),
        ["no_over_refund: create_order -> refund_order -> refund_order"],
        "{told}"
    );
    assert_tells(
        &told,
        &[
            "no system of this world sees what the API stores",
            "World::observe",
        ],
    );
}

#[tokio::test]
async fn a_world_in_which_nothing_goes_back_is_refused_with_what_helps() {
    let server = forgetful("").await;
    let error = shop(World::new(server.client()))
        .explore()
        .await
        .unwrap_err();
    assert_tells(
        &error.to_string(),
        &[
            "nothing in this world can go back",
            "World::with",
            "with_server",
            "reset",
        ],
    );
}

async fn order_elsewhere(world: &World, ctx: &mut Context) -> ActionResult {
    let created = world.api("other")?.post("/orders").send().await?;
    if created.is_success() {
        ctx.set("other_id", created.json()?["id"].clone());
    }
    Ok(created)
}

#[tokio::test]
async fn two_servers_with_a_database_each_are_rolled_back_together() {
    let (one, two) = (Lab::new(""), Lab::new(""));
    let other = two.spawn().await.unwrap();
    let db = SqliteAdapter::open(two.database()).await.unwrap();
    let world = one
        .world()
        .await
        .with("other_db", db)
        .with_api("other", other.client().named("other"));
    let agent = Agent::new(world.with_named_server("other server", other))
        .action(Action::new("create_order", create_order))
        .action(Action::new("refund_order", refund_order))
        .action(Action::of_parts("order_elsewhere", |mut parts| {
            Box::pin(async move {
                let world = parts.world();
                match parts.context_mut() {
                    Ok(ctx) => {
                        venomqa::IntoOutcome::into_outcome(order_elsewhere(world, ctx).await).await
                    }
                    Err(error) => venomqa::Outcome::Failed(error),
                }
            })
        }))
        .max_depth(5);
    let exploration = agent.explore().await.unwrap();
    assert_clean(&exploration);
    // Here nothing, an order or a refunded one; there an order or none.
    assert_eq!(exploration.states_visited, 6, "{}", exploration.summary());
    let names: Vec<_> = exploration
        .systems
        .iter()
        .map(|system| system.name.as_str())
        .collect();
    assert_eq!(names, ["db", "other_db"]);
}

#[tokio::test]
async fn the_server_that_died_is_named() {
    let (one, two) = (Lab::new(""), Lab::new("second_refund=exit"));
    let other = two.spawn().await.unwrap();
    let db = SqliteAdapter::open(two.database()).await.unwrap();
    let main = one.spawn().await.unwrap();
    let world = World::new(other.client())
        .with("db", db)
        .with_server(main)
        .with_named_server("ledger", other);
    let exploration = shop(world).explore().await.unwrap();
    let told = exploration.summary();
    assert_eq!(
        found(&exploration),
        ["no_crash: create_order -> refund_order -> refund_order"],
        "{told}"
    );
    assert_tells(
        &exploration.violations[0].message,
        &["the ledger", "exited with code 3"],
    );
}

#[tokio::test]
async fn only_chosen_keys_of_the_context_identify_a_state_and_the_report_says_so() {
    let lab = Lab::new("");
    let world = lab.world().await.state_from_context(["nothing"]);
    let exploration = shop(world).explore().await.unwrap();
    let told = exploration.summary();
    // Without the order's id the deleted order leads back to the initial state.
    assert_eq!(exploration.states_visited, 3, "{told}");
    assert_tells(&told, &["of the context only nothing identify a state"]);
}

async fn log_in(api: &HttpClient, _: &mut Context) -> ActionResult {
    api.post("/login")
        .json(&json!({ "password": "hunter2-hunter2" }))
        .send()
        .await
}

async fn who_am_i(api: &HttpClient, _: &mut Context) -> ActionResult {
    api.get("/me").send().await
}

#[tokio::test]
async fn a_session_cookie_goes_back_with_the_branch() {
    let lab = Lab::new("");
    let agent = Agent::new(lab.world().await)
        .action(Action::new("log_in", log_in))
        .action(Action::new("who_am_i", who_am_i))
        .action(Action::new("write_note", write_note));
    let exploration = agent.explore().await.unwrap();
    assert_clean(&exploration);
    // Logged in or not, a note or none.
    assert_eq!(exploration.states_visited, 4, "{}", exploration.summary());
    let who = &exploration.actions[1];
    assert_eq!(format!("{:?}", who.statuses), "{200: 2, 401: 2}");
}

#[tokio::test]
async fn a_limit_of_calls_belongs_to_the_path() {
    let lab = Lab::new("limit=9");
    let agent = Agent::new(lab.world().await)
        .action(Action::new("create_order", create_order).max_calls(2))
        .action(Action::new("refund_order", refund_order))
        .action(Action::new("write_note", write_note).max_calls(1))
        .max_depth(8);
    let exploration = agent.explore().await.unwrap();
    let told = exploration.summary();
    assert_eq!(found(&exploration), [""; 0], "{told}");
    // Orders: none, one, one refunded, two of which none, the first, the second or both are refunded: 7. Each with a note or without.
    assert_eq!(exploration.states_visited, 14, "{told}");
}

async fn explored(memory_limit: Option<usize>) -> Exploration {
    let lab = Lab::new("limit=2 second_refund=allowed");
    let mut world = lab.world().await;
    if let Some(bytes) = memory_limit {
        world = world.memory_limit(bytes);
    }
    let agent = shop(world)
        .action(Action::new("write_note", write_note))
        .max_depth(4);
    agent.explore().await.unwrap()
}

#[tokio::test]
async fn without_memory_for_checkpoints_the_same_is_found() {
    let (free, bound) = (explored(None).await, explored(Some(0)).await);
    assert_eq!(found(&free), found(&bound));
    assert!(!found(&free).is_empty());
    assert_eq!(free.states_visited, bound.states_visited);
    assert_eq!(free.transitions, bound.transitions);
    assert!(bound.diverged.is_empty(), "{}", bound.summary());
}

async fn open_shop(api: HttpClient) -> Result<()> {
    api.post("/orders").send().await?;
    Ok(())
}

#[tokio::test]
async fn what_the_set_up_makes_is_part_of_the_initial_state_and_gone_afterwards() {
    let lab = Lab::new("");
    let world = lab.world().await.setup(open_shop).context("order_id", "1");
    let agent = Agent::new(world)
        .action(Action::new("refund_order", refund_order))
        .action(Action::new("delete_order", delete_order));
    let exploration = agent.explore().await.unwrap();
    assert_clean(&exploration);
    assert_eq!(exploration.states_visited, 3, "{}", exploration.summary());
    assert_eq!(exploration.actions[0].statuses[&200], 1);
    let db = rusqlite::Connection::open(lab.database()).unwrap();
    let orders: i64 = db
        .query_row("SELECT count(*) FROM orders", [], |row| row.get(0))
        .unwrap();
    assert_eq!(orders, 0);
    let ours = "SELECT count(*) FROM sqlite_master WHERE name LIKE '%venomqa%'";
    assert_eq!(
        db.query_row(ours, [], |row| row.get::<_, i64>(0)).unwrap(),
        0
    );
}

#[tokio::test]
async fn two_explorations_of_one_database_wait_for_each_other() {
    let lab = Lab::new("limit=2");
    let explore = async || {
        let world = lab.world().await;
        shop(world).explore().await.unwrap()
    };
    let (one, other) = tokio::join!(explore(), explore());
    assert_eq!(one.states_visited, true_states().await);
    for exploration in [one, other] {
        let told = exploration.summary();
        assert_eq!(exploration.states_visited, true_states().await, "{told}");
        assert!(exploration.diverged.is_empty(), "{told}");
        assert!(!told.contains("foreign"), "{told}");
    }
}

async fn cannot_tidy_up(_: HttpClient) -> Result<()> {
    Err(Error::set_up("the bucket is not empty"))
}

#[tokio::test]
async fn a_world_that_cannot_be_put_back_is_red_and_findings_are_kept() {
    let lab = Lab::new("second_refund=allowed");
    let world = lab.world().await.teardown(cannot_tidy_up);
    let exploration = shop(world).explore().await.unwrap();
    let told = exploration.summary();
    assert_tells(
        &exploration.shortcomings().join("\n"),
        &["could not be put back", "the bucket is not empty"],
    );
    assert_eq!(
        found(&exploration),
        ["no_over_refund: create_order -> refund_order -> refund_order"],
        "{told}"
    );
    // What can be put back is, all the same.
    let db = rusqlite::Connection::open(lab.database()).unwrap();
    let count = "SELECT count(*) FROM orders";
    assert_eq!(
        db.query_row(count, [], |row| row.get::<_, i64>(0)).unwrap(),
        0
    );
}
