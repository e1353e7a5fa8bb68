use std::fmt;

use venomqa::__private::{InvariantEntry, Parts, inventory};
use venomqa::{Checked, prelude::*};

use super::{Shelf, context, world};

async fn check(name: &str, expected: Checked) {
    let mut entries = inventory::iter::<InvariantEntry>.into_iter();
    let entry = entries.find(|entry| entry.name == name).unwrap();
    let (world, context) = (world(), context());
    let checked = (entry.call)(Parts::for_invariant(&world, &context, None)).await;
    assert_eq!(checked, expected, "{name}");
}

fn broken(why: &str) -> Checked {
    Checked::Broken(why.into())
}

struct TooDear;

impl fmt::Display for TooDear {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("too dear")
    }
}

#[invariant]
fn truth() -> bool {
    true
}

#[invariant]
async fn falsehood() -> bool {
    false
}

#[invariant]
fn asserts(ctx: &Context) {
    assert!(ctx.has("id"));
}

#[invariant]
async fn ensures(api: &HttpClient, ctx: &Context) -> Verdict {
    let id: i64 = ctx.require("id")?;
    let status = api.get("/").send().await?.status();
    ensure!(status == 201, "order {id} answered {status}");
    Ok(())
}

#[invariant]
fn own_error() -> Result<(), TooDear> {
    Err(TooDear)
}

#[invariant]
fn missing_key(ctx: &Context) -> Verdict {
    ctx.require::<i64>("coupon")?;
    Ok(())
}

#[invariant]
async fn everything(
    world: &World,
    #[api("billing")] billing: &HttpClient,
    only: &Shelf<1>,
    #[system("left")] left: &Shelf<0>,
) -> Verdict {
    let shelf: &Shelf<1> = world.system(None)?;
    let status = billing.get("/").send().await?.status();
    ensure!(false, "{} {} {} {status}", shelf.0, only.0, left.0);
    Ok(())
}

#[invariant]
fn step_is_needed(_step: &Step) {}

#[tokio::test]
async fn an_invariant_returns_what_comes_naturally() {
    check("truth", Checked::Held).await;
    check("falsehood", broken("the rule returned false")).await;
    check("asserts", Checked::Held).await;
    check("ensures", broken("order 7 answered 200")).await;
    check("own_error", broken("too dear")).await;
}

#[tokio::test]
async fn an_invariant_takes_its_arguments_by_type_and_name() {
    check("everything", broken("only only left 202")).await;
}

#[tokio::test]
async fn a_rule_that_cannot_be_evaluated_is_not_broken() {
    let why = "the context has no key `coupon`";
    check("missing_key", Checked::NotChecked(why.into())).await;
    let why = "no action was performed yet";
    check("step_is_needed", Checked::NotChecked(why.into())).await;
}
