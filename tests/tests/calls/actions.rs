use std::fmt;

use venomqa::__private::{ActionEntry, Parts, inventory};
use venomqa::{Outcome, prelude::*};

use super::{Shelf, context, world};

/// Calls an action, and says what came of it and what it left under the key `seen`.
async fn check_with(name: &str, choice: &[usize], outcome: &str, seen: Option<&str>) {
    let mut entries = inventory::iter::<ActionEntry>.into_iter();
    let entry = entries.find(|entry| entry.name == name).unwrap();
    let (world, mut context) = (world(), context());
    let came = match (entry.call)(Parts::for_action(&world, &mut context), choice).await {
        Outcome::Answered(response) => format!("answered {}", response.status()),
        Outcome::Done => "done".into(),
        Outcome::NotApplicable => "does not apply".into(),
        Outcome::Failed(error) => format!("failed: {error}"),
        other => format!("{other:?}"),
    };
    assert_eq!(came, outcome, "{name}");
    let found: Option<String> = context.get("seen").unwrap();
    assert_eq!(found.as_deref(), seen, "{name}");
}

async fn check(name: &str, outcome: &str) {
    check_with(name, &[], outcome, None).await;
}

#[derive(Debug)]
struct ShopClosed;

impl fmt::Display for ShopClosed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the shop is closed")
    }
}

impl std::error::Error for ShopClosed {}

/// A user's own error around one of ours.
#[derive(Debug)]
struct Wrapped(Error);

impl fmt::Display for Wrapped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("something went wrong")
    }
}

impl std::error::Error for Wrapped {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.0)
    }
}

#[action]
async fn response(api: &HttpClient) -> Response {
    api.get("/").send().await.unwrap()
}

#[action]
fn request(api: &HttpClient) -> Request {
    api.get("/")
}

#[action]
async fn ours(api: &HttpClient) -> ActionResult {
    api.get("/").send().await
}

#[action]
async fn own_error(api: &HttpClient) -> Result<Response, ShopClosed> {
    api.get("/").send().await.map_err(|_| ShopClosed)
}

#[action]
fn own_error_met() -> Result<Request, ShopClosed> {
    Err(ShopClosed)
}

#[action]
fn boxed_error() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    Err("the shop is closed")?
}

#[action]
fn text_error() -> Result<(), String> {
    Err("the shop is closed".into())
}

#[action]
fn missing_key(ctx: &Context) -> Result<()> {
    ctx.require("coupon")
}

#[action]
fn missing_key_wrapped(ctx: &Context) -> Result<(), Wrapped> {
    ctx.require("coupon").map_err(Wrapped)
}

#[action]
fn wrong_type(ctx: &Context) -> Result<()> {
    ctx.require::<String>("id").map(drop)
}

#[action]
async fn some_response(api: &HttpClient) -> Option<Response> {
    api.get("/").send().await.ok()
}

#[action]
fn nothing() -> Option<Request> {
    None
}

#[action]
fn result_of_option(api: &HttpClient) -> Result<Option<Request>> {
    Ok(Some(api.get("/")))
}

#[action]
fn option_of_result(api: &HttpClient) -> Option<Result<Request>> {
    Some(Ok(api.get("/")))
}

#[action]
fn unit() {}

#[action]
async fn unit_async() {}

#[action]
fn opaque(api: &HttpClient) -> impl venomqa::IntoOutcome {
    api.get("/")
}

#[tokio::test]
async fn an_action_returns_what_comes_naturally() {
    for name in [
        "response",
        "request",
        "ours",
        "own_error",
        "some_response",
        "result_of_option",
        "option_of_result",
        "opaque",
    ] {
        check(name, "answered 200").await;
    }
    for name in ["own_error_met", "boxed_error", "text_error"] {
        check(name, "failed: the shop is closed").await;
    }
    for name in ["missing_key", "missing_key_wrapped", "nothing"] {
        check(name, "does not apply").await;
    }
    check("unit", "done").await;
    check("unit_async", "done").await;
}

#[tokio::test]
async fn a_key_of_another_type_is_no_missing_key() {
    let name = "wrong_type";
    let mut entries = inventory::iter::<ActionEntry>.into_iter();
    let entry = entries.find(|entry| entry.name == name).unwrap();
    let (world, mut context) = (world(), context());
    let outcome = (entry.call)(Parts::for_action(&world, &mut context), &[]).await;
    assert!(matches!(outcome, Outcome::Failed(Error::WrongType { .. })));
}

#[action]
async fn everything(
    ctx: &mut Context,
    world: &World,
    api: &HttpClient,
    #[api("billing")] billing: &HttpClient,
    only: &Shelf<1>,
    #[system("right")] right: &Shelf<0>,
) -> ActionResult {
    let (id, shelf): (i64, &Shelf<1>) = (ctx.require("id")?, world.system(None)?);
    let status = api.get("/").send().await?.status();
    ctx.set(
        "seen",
        format!("{id} {} {} {} {status}", shelf.0, only.0, right.0),
    );
    billing.get("/").send().await
}

#[action]
fn named_lifetimes<'a, 'b: 'a>(ctx: &'b mut Context, #[system("left")] left: &'a Shelf<0>) {
    ctx.set("seen", left.0);
}

#[action]
fn read_twice(first: &Context, second: &Context) -> Result<()> {
    assert_eq!(first, second);
    Ok(())
}

#[action]
fn ambiguous(_shelf: &Shelf<0>) {}

#[action]
fn unknown(#[system("middle")] _shelf: &Shelf<0>) {}

#[action]
fn written_twice(_first: &mut Context, _second: &mut Context) {}

#[tokio::test]
async fn an_action_takes_its_arguments_by_type_and_name() {
    let seen = Some("7 only only right 200");
    check_with("everything", &[], "answered 202", seen).await;
    check_with("named_lifetimes", &[], "done", Some("left")).await;
    check("read_twice", "done").await;
}

#[tokio::test]
async fn what_the_world_does_not_have_fails_the_action() {
    let several = "failed: this world has several `Shelf<0>`: \
        say which with `#[system(\"left\")]` or `#[system(\"right\")]`";
    check("ambiguous", several).await;
    let unknown = "failed: this world has no system `middle`; it has: left, right, only";
    check("unknown", unknown).await;
    let twice = "failed: a function that takes `&mut Context` can take the context only once";
    check("written_twice", twice).await;
}

const LIMIT: i64 = 100;

#[derive(Clone, Debug, Default)]
struct Order {
    lines: Vec<i64>,
}

#[action]
async fn with_values(
    #[values(1, -1, LIMIT * 2)] amount: i64,
    ctx: &mut Context,
    #[values("eur", "u s d")] currency: &str,
    #[values(Order::default(), Order { lines: vec![amount_of_line(); 2] })] order: Order,
) {
    ctx.set("seen", format!("{amount} {currency} {:?}", order.lines));
}

fn amount_of_line() -> i64 {
    5
}

#[tokio::test]
async fn an_action_gets_the_chosen_values() {
    check_with("with_values", &[0, 0, 0], "done", Some("1 eur []")).await;
    check_with("with_values", &[1, 1, 0], "done", Some("-1 u s d []")).await;
    check_with("with_values", &[2, 0, 1], "done", Some("200 eur [5, 5]")).await;
}

#[test]
fn the_function_stays_as_it_was() {
    let mut ctx = Context::default();
    named_lifetimes(&mut ctx, &Shelf::<0>("mine"));
    assert_eq!(ctx.require::<String>("seen").unwrap(), "mine");
    assert!(own_error_met().is_err());
}
