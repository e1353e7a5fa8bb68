use venomqa::adapters::SqliteAdapter;
use venomqa::prelude::*;
use venomqa::{Confirmation, Ended, Exploration};

use crate::lab::{
    Lab, assert_clean, assert_tells, create_order, delete_order, refund_order, shop, write_note,
};

fn with_notes(world: World) -> Agent {
    Agent::new(world)
        .action(Action::new("create_order", create_order))
        .action(Action::new("refund_order", refund_order))
        .action(Action::new("write_note", write_note))
        .max_depth(4)
}

/// What the shop's states are if it forgets nothing: an order or none, refunded or not, a note or none.
const TRUE_STATES: u64 = 6;

#[tokio::test]
async fn the_shop_without_hidden_state_has_its_true_states() {
    let lab = Lab::new("");
    let exploration = with_notes(lab.world().await).explore().await.unwrap();
    assert_clean(&exploration);
    assert_eq!(exploration.states_visited, TRUE_STATES);
}

/// Ids that the process counts: after a rollback the next order has another id than it had.
#[tokio::test]
async fn a_counter_in_the_process_is_told_with_the_option_that_helps() {
    let lab = Lab::new("count_ids");
    let exploration = with_notes(lab.world().await).explore().await.unwrap();
    let told = exploration.summary();
    assert!(!exploration.diverged.is_empty(), "{told}");
    for divergence in &exploration.diverged {
        assert_tells(&divergence.remedy, &["`.stateful()`"]);
    }
    assert_tells(&told, &["diverged: "]);

    let lab = Lab::new("count_ids");
    let exploration = with_notes(lab.stateful_world().await)
        .explore()
        .await
        .unwrap();
    assert_clean(&exploration);
    assert_eq!(
        exploration.states_visited,
        TRUE_STATES,
        "{}",
        exploration.summary()
    );
}

/// A cache that is stale after a rollback: a refund in a state with an order is refused, because the process remembers one.
#[tokio::test]
async fn a_stale_cache_is_told_with_the_option_that_helps() {
    let lab = Lab::new("cache");
    let exploration = with_notes(lab.world().await).explore().await.unwrap();
    let told = exploration.summary();
    assert!(!exploration.diverged.is_empty(), "{told}");
    for divergence in &exploration.diverged {
        assert_tells(&divergence.what, &["it answered", "200", "409"]);
        assert_tells(&divergence.remedy, &["`.stateful()`"]);
    }

    let lab = Lab::new("cache");
    let exploration = with_notes(lab.stateful_world().await)
        .explore()
        .await
        .unwrap();
    assert_clean(&exploration);
    assert_eq!(
        exploration.states_visited,
        TRUE_STATES,
        "{}",
        exploration.summary()
    );
}

/// Every option that the text recommends, as the user would copy it.
fn recommended(text: &str) -> Vec<String> {
    let mut options: Vec<_> = text
        .split(".ignore(\"")
        .skip(1)
        .map(|rest| rest.split('"').next().unwrap().to_owned())
        .collect();
    options.sort();
    options.dedup();
    options
}

fn all_told(exploration: &Exploration) -> String {
    let remedies = exploration
        .diverged
        .iter()
        .map(|divergence| &divergence.remedy);
    let lines: Vec<_> = remedies
        .chain(&exploration.notes)
        .map(String::as_str)
        .collect();
    lines.join("\n")
}

/// The options that a first run recommends, applied literally, make the second one clean.
async fn check_recommended(quirks: &str, expected: &[&str]) {
    let lab = Lab::new(quirks);
    let agent = with_notes(lab.world().await).action(Action::new("delete_order", delete_order));
    let exploration = agent.explore().await.unwrap();
    let told = exploration.summary();
    let options = recommended(&all_told(&exploration));
    assert_eq!(options, expected, "{told}");

    let lab = Lab::new(quirks);
    let mut world = lab.world().await;
    for option in options {
        world = world.ignore(option);
    }
    let agent = with_notes(world).action(Action::new("delete_order", delete_order));
    let exploration = agent.explore().await.unwrap();
    let told = exploration.summary();
    assert!(exploration.diverged.is_empty(), "{told}");
    // Nothing, an order, a refunded and a deleted one, each with or without a note.
    assert_eq!(exploration.states_visited, 8, "{told}");
    let narrowed = "left out of what identifies a state: ";
    assert_eq!(exploration.notes.len(), 1, "{told}");
    assert_tells(&exploration.notes[0], &[narrowed, expected[0]]);
}

#[tokio::test]
async fn times_are_told_with_their_column_and_ignoring_it_helps() {
    check_recommended("times", &["orders.created_at"]).await;
}

#[tokio::test]
async fn random_ids_are_told_with_their_places_and_ignoring_them_helps() {
    check_recommended("random_ids", &["context.order_id", "orders.id"]).await;
}

#[tokio::test]
async fn random_ids_and_times_are_told_together() {
    check_recommended(
        "random_ids times",
        &["context.order_id", "orders.created_at", "orders.id"],
    )
    .await;
}

#[tokio::test]
async fn a_run_in_which_nothing_merges_says_so() {
    let lab = Lab::new("times limit=9 many_notes");
    let agent = Agent::new(lab.world().await)
        .action(Action::new("create_order", create_order))
        .action(Action::new("write_note", write_note))
        .max_depth(4);
    let exploration = agent.explore().await.unwrap();
    assert_tells(
        &exploration.summary(),
        &[
            "no two sequences ever led to the same state",
            "`.ignore(\"orders.created_at\")`",
        ],
    );
}

#[tokio::test]
async fn an_ignored_name_that_matches_nothing_is_told() {
    let lab = Lab::new("");
    let world = lab.world().await.ignore("orders.createdAt");
    let exploration = with_notes(world).explore().await.unwrap();
    assert_tells(
        &exploration.notes.join("\n"),
        &["matched nothing: `orders.createdAt`", "orders.created_at"],
    );
}

/// Broken only because the process has worn out over the run: a fresh one shows nothing.
#[tokio::test]
async fn what_a_fresh_process_does_not_show_is_reported_as_unconfirmed_with_what_was_seen() {
    let lab = Lab::new("worn_out_after=3 limit=2");
    let agent = shop(lab.world().await).action(Action::new("write_note", write_note));
    let exploration = agent.explore().await.unwrap();
    let told = exploration.summary();
    let doubtful: Vec<_> = exploration
        .violations
        .iter()
        .filter(|violation| !violation.is_confirmed())
        .collect();
    assert!(!doubtful.is_empty(), "{told}");
    for violation in doubtful {
        assert_tells(&violation.message, &["refunded Some(999) of Some(100)"]);
        let Confirmation::Unconfirmed(doubt) = &violation.confirmation else {
            unreachable!()
        };
        assert_tells(doubt, &["clean start", "not rolled back", "`.stateful()`"]);
        for step in &violation.sequence {
            assert!(!step.exchanges.is_empty(), "{step:?}");
        }
    }
    assert_tells(&told, &["unconfirmed"]);
    assert_eq!(exploration.ended, Ended::Complete);
}

#[tokio::test]
async fn a_database_in_memory_is_no_server_that_sees_it() {
    // The server keeps its orders to itself, and the database beside it says nothing about them.
    let lab = Lab::new("");
    let other = tempfile::tempdir().unwrap();
    let path = other.path().join("unrelated.db");
    drop(
        rusqlite::Connection::open(&path)
            .unwrap()
            .execute_batch("CREATE TABLE t (id INTEGER PRIMARY KEY)"),
    );
    let server = Server::spawn(lab.forgetful())
        .ready_when("/health")
        .await
        .unwrap();
    let db = SqliteAdapter::open(&path).await.unwrap();
    let world = World::new(server.client())
        .with("db", db)
        .with_server(server);
    let exploration = with_notes(world).explore().await.unwrap();
    let told = exploration.summary();
    assert!(!exploration.diverged.is_empty(), "{told}");
    assert_tells(&told, &["`.stateful()`"]);
    // And what is behind it is told, too.
    let doubts = exploration.shortcomings().join("\n");
    assert_tells(
        &doubts,
        &[
            "nothing ever changed in `db`",
            "not even by `POST /orders -> 201`",
        ],
    );
}

async fn remember_all(api: &HttpClient, ctx: &mut Context) -> ActionResult {
    let created = api
        .post("/orders")
        .json(&json!({ "amount": 100 }))
        .send()
        .await?;
    if created.is_success() {
        ctx.set("order_id", created.json()?["id"].clone());
        ctx.set("order", created.json()?);
    }
    Ok(created)
}

async fn orders_with_time(api: HttpClient) -> Result<serde_json::Value> {
    let answer = api.get("/orders").send().await?;
    let (count, took) = (answer.json()?.as_array().map(Vec::len), answer.elapsed());
    Ok(json!({ "count": count, "took": { "nanos": took.as_nanos() as u64 } }))
}

#[tokio::test]
async fn a_part_of_a_document_is_told_by_its_pointer_and_ignoring_it_helps() {
    let explore = async |options: Vec<String>| {
        let lab = Lab::new("times");
        let mut world = lab.world().await.observe(orders_with_time);
        for option in options {
            world = world.ignore(option);
        }
        let agent = Agent::new(world)
            .action(Action::new("create_order", remember_all))
            .action(Action::new("refund_order", refund_order))
            .max_depth(4);
        agent.explore().await.unwrap()
    };
    let exploration = explore(Vec::new()).await;
    let options = recommended(&all_told(&exploration));
    let expected = [
        "context.order/created_at",
        "observed/took/nanos",
        "orders.created_at",
    ];
    assert_eq!(options, expected, "{}", exploration.summary());

    let exploration = explore(options).await;
    let told = exploration.summary();
    assert!(exploration.diverged.is_empty(), "{told}");
    assert_eq!(exploration.states_visited, 3, "{told}");
}
