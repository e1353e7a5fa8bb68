//! What the attributes register.

use std::time::Duration;

use venomqa::__private::{ActionEntry, ExplorationEntry, InvariantEntry, inventory};
use venomqa::{Config, StrategyKind, prelude::*};

/// Pays an order
/// in full.
///
/// More about it.
#[action(
    name = "pay.all",
    requires("order_id", "token"),
    max_calls = 3,
    expect = 2xx | 409 | 500-502,
    may_fail,
    weight = 5
)]
async fn pay(
    api: &HttpClient,
    #[values(1, -1, i64::MAX)] amount: i64,
    #[values("a", "b c")] currency: &str,
) -> ActionResult {
    let body = json!({ "amount": amount, "currency": currency });
    api.post("/pay").json(&body).send().await
}

#[action]
fn r#type() {}

/** Never below zero. */
#[invariant(severity = critical, when = before)]
async fn no_debt(api: &HttpClient) -> Verdict {
    api.get("/balance").send().await?;
    Ok(())
}

#[invariant(name = "answered")]
fn answered_in_time(_ctx: &Context, step: &Step) -> bool {
    step.elapsed < Duration::from_secs(1)
}

#[exploration]
fn plain() -> World {
    World::without_api()
}

#[exploration(
    name = "everything",
    strategy = coverage_guided,
    max_depth = 6,
    max_steps = 1_000,
    budget = "2m",
    seed = 42,
    complete,
    expand_violating = true,
    fail_on = high
)]
async fn all() -> Result<World> {
    Ok(World::without_api())
}

fn action_named(name: &str) -> &'static ActionEntry {
    let mut entries = inventory::iter::<ActionEntry>.into_iter();
    entries.find(|entry| entry.name == name).unwrap()
}

fn invariant_named(name: &str) -> &'static InvariantEntry {
    let mut entries = inventory::iter::<InvariantEntry>.into_iter();
    entries.find(|entry| entry.name == name).unwrap()
}

fn exploration_named(name: &str) -> &'static ExplorationEntry {
    let mut entries = inventory::iter::<ExplorationEntry>.into_iter();
    entries.find(|entry| entry.name == name).unwrap()
}

#[test]
fn every_attribute_registers_its_function_once() {
    assert_eq!(inventory::iter::<ActionEntry>.into_iter().count(), 2);
    assert_eq!(inventory::iter::<InvariantEntry>.into_iter().count(), 2);
    assert_eq!(inventory::iter::<ExplorationEntry>.into_iter().count(), 2);
}

#[test]
fn an_action_has_its_options() {
    let entry = action_named("pay.all");
    assert_eq!(entry.function, "pay");
    assert_eq!(entry.about, "Pays an order in full.");
    assert_eq!(entry.requires, ["order_id", "token"]);
    assert_eq!(entry.max_calls, Some(3));
    let expect: Vec<_> = entry.expect.iter().map(ToString::to_string).collect();
    assert_eq!(expect, ["2xx", "409", "500-502"]);
    assert!(entry.may_fail);
    assert_eq!(entry.weight, 5);
    let arguments: Vec<_> = entry.arguments.iter().map(|a| (a.name, a.values)).collect();
    assert_eq!(arguments[0], ("amount", &["1", "-1", "i64::MAX"][..]));
    assert_eq!(arguments[1], ("currency", &["\"a\"", "\"b c\""][..]));
}

#[test]
fn an_action_without_options_has_the_defaults() {
    let entry = action_named("type");
    assert_eq!((entry.function, entry.about), ("type", ""));
    assert_eq!(entry.requires, [""; 0]);
    assert_eq!(entry.max_calls, None);
    assert_eq!(entry.expect, StatusRange::DEFAULT);
    assert!(!entry.may_fail);
    assert_eq!(entry.weight, 1);
    assert_eq!(entry.arguments.len(), 0);
}

#[test]
fn the_place_is_that_of_the_functions_name() {
    let place = action_named("pay.all").place;
    assert_eq!(place.module, "registration");
    assert!(place.file.ends_with("tests/registration.rs"));
    let source = include_str!("registration.rs");
    let line = source.lines().nth(place.line as usize - 1).unwrap();
    assert_eq!(&line[place.column as usize - 1..], "pay(");
}

#[test]
fn an_invariant_has_its_options_and_knows_whether_it_takes_a_step() {
    let entry = invariant_named("no_debt");
    assert_eq!(entry.severity, Severity::Critical);
    assert_eq!(entry.when, When::Before);
    assert_eq!(entry.about, "Never below zero.");
    assert!(!entry.takes_step);

    let entry = invariant_named("answered");
    assert_eq!(entry.function, "answered_in_time");
    assert_eq!(entry.severity, Severity::Medium);
    assert_eq!(entry.when, When::After);
    assert!(entry.takes_step);
}

#[tokio::test]
async fn an_exploration_has_its_configuration_and_makes_its_world() {
    assert_eq!((exploration_named("plain").config)(), Config::default());
    (exploration_named("plain").world)().await.unwrap();

    let entry = exploration_named("everything");
    let expected = Config {
        strategy: StrategyKind::CoverageGuided,
        max_depth: 6,
        max_steps: Some(1000),
        budget: Some(Duration::from_secs(120)),
        seed: 42,
        complete: true,
        expand_violating: true,
        fail_on: Severity::High,
    };
    assert_eq!((entry.config)(), expected);
    (entry.world)().await.unwrap();
}
