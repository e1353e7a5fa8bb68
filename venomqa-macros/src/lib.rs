//! The attribute macros of VenomQA: `#[action]`, `#[invariant]` and `#[exploration]`.
//!
//! Use them through the crate `venomqa`, which re-exports them: what they expand to names `::venomqa::__private`.
//!
//! The files are the stages of a small compiler: `attr` reads the options (`value` what they take), `ast` the function;
//! `valid` checks them against each other; `expand` writes the registration (`entry`) and the function through which the
//! explorer calls the user's (`wrapper`). After a mistake `fallback` keeps the function, so that the mistake is the only error.

mod ast;
mod attr;
mod editor;
mod entry;
mod expand;
mod fallback;
mod near;
mod source;
mod valid;
mod value;
mod wrapper;

use attr::Kind;
use proc_macro::TokenStream;

/// Makes an action of a function: one thing that a user of the API can do.
///
/// ```
/// use venomqa::prelude::*;
///
/// #[action]
/// async fn create_order(api: &HttpClient, ctx: &mut Context) -> ActionResult {
///     let created = api.post("/orders").json(&json!({ "amount": 100 })).send().await?;
///     ctx.set("order_id", created.json()?["id"].clone());
///     Ok(created)
/// }
///
/// /// Pays with any of the cards.
/// #[action(requires("order_id"), max_calls = 2, expect = 2xx | 402)]
/// fn pay_order(
///     api: &HttpClient,
///     ctx: &Context,
///     #[values("visa", "amex")] card: &str,
/// ) -> Result<Request> {
///     let id: i64 = ctx.require("order_id")?;
///     Ok(api.post(&format!("/orders/{id}/pay")).json(&json!({ "card": card })))
/// }
/// ```
///
/// The function, `async` or not, stays as it is and can be called.
///
/// # Options
///
/// | option | meaning | default |
/// |---|---|---|
/// | `name = "pay"` | the name in sequences and reports: letters, digits, `_` and `.` | the function's |
/// | `requires("order_id", "token")` | the context keys without which it does not apply | none |
/// | `max_calls = 3` | the most calls on one path | no limit |
/// | `expect = 2xx \| 409` | the statuses that count as success: codes (`404`), classes (`4xx`), ranges (`200-299`) | `2xx \| 3xx` |
/// | `may_fail` | the run is green although it never got such a status | |
/// | `weight = 5` | its share under the strategy `weighted` | 1 |
/// | `crate = my::venomqa` | where the crate `venomqa` is, if it is re-exported | `::venomqa` |
///
/// # Arguments
///
/// In any order and number, found by their types:
///
/// | argument | what it is |
/// |---|---|
/// | `&HttpClient` | the world's API; `#[api("billing")]` names a further one |
/// | `&Context`, `&mut Context` | what earlier actions remembered |
/// | `&SqliteAdapter`, `&MockSystem`, your own | the world's system of this type; `#[system("cache")]` names one of several |
/// | `&World` | all of it |
/// | `#[values(1, 0, -1)] amount: i64` | one of these values: each makes an action of its own, and several such arguments each combination |
///
/// # What it returns
///
/// A `Response`, an unsent `Request`, or `()`; or an `Option` of these, where `None` means that the action does not
/// apply in this state; or a `Result` of these, with any error that converts to `Box<dyn Error + Send + Sync>`. A missing
/// context key (`ctx.require("order_id")?`) means "does not apply" too.
#[proc_macro_attribute]
pub fn action(options: TokenStream, item: TokenStream) -> TokenStream {
    expand(Kind::Action, options, item)
}

/// Makes an invariant of a function: a rule that must hold in every state.
///
/// ```
/// use venomqa::prelude::*;
///
/// /// Refunds never exceed what was paid.
/// #[invariant(severity = critical)]
/// async fn no_over_refund(api: &HttpClient) -> Verdict {
///     let order = api.get("/orders/1").send().await?.json()?;
///     let (refunded, paid) = (order["refunded"].as_i64(), order["paid"].as_i64());
///     ensure!(refunded <= paid, "refunded {refunded:?} of {paid:?}");
///     Ok(())
/// }
///
/// #[invariant(severity = low)]
/// fn fast(step: &Step) -> bool {
///     step.elapsed.as_millis() < 500
/// }
/// ```
///
/// The first paragraph of the documentation is what reports say about the rule.
///
/// # Options
///
/// | option | meaning | default |
/// |---|---|---|
/// | `name = "no_debt"` | the name in reports and test results: letters, digits, `_` and `.`, but not `explore` or `regressions` | the function's |
/// | `severity = critical` | `critical`, `high`, `medium` or `low` | `medium` |
/// | `when = before` | checked `before` each action, `after` it, or `both` | `after` |
/// | `crate = my::venomqa` | where the crate `venomqa` is, if it is re-exported | `::venomqa` |
///
/// # Arguments
///
/// As those of `#[action]`, but a rule changes nothing: no `&mut Context`, and no values. A rule that takes `&Step` gets the last
/// action with its requests and responses, and is checked only after one.
///
/// # What it returns
///
/// A `bool`; a `Verdict`, in which `ensure!` says why the rule is broken; a `Result<(), E>` with any error that can be
/// displayed; or `()`, if it asserts. An error of VenomQA's own (no answer from the API, a missing context key) does not
/// break the rule: it was not checked, which fails its test as such.
#[proc_macro_attribute]
pub fn invariant(options: TokenStream, item: TokenStream) -> TokenStream {
    expand(Kind::Invariant, options, item)
}

/// Makes an exploration of a function that makes a world: a suite of tests, named after the function.
///
/// ```
/// use venomqa::prelude::*;
///
/// #[exploration(max_depth = 6, budget = "2m", fail_on = high)]
/// async fn orders() -> Result<World> {
///     let server = Server::spawn(Command::new("target/debug/orders")).ready_when("/health").await?;
///     Ok(World::new(server.client()).with_server(server))
/// }
/// ```
///
/// # Options
///
/// | option | meaning | default |
/// |---|---|---|
/// | `name = "shop"` | the suite's name: letters, digits, `_` and `.` | the function's |
/// | `strategy = dfs` | what is tried next: `bfs`, `dfs`, `coverage_guided`, `random` or `weighted` | `bfs` |
/// | `max_depth = 6` | the most actions on a path | 8 |
/// | `max_steps = 1000` | the most transitions | no limit |
/// | `budget = "30s"` | the most time: a whole number with `ms`, `s`, `m` or `h`; or seconds, without quotes | `"60s"` |
/// | `seed = 42` | the seed of everything that is drawn by chance | 0 |
/// | `complete` | to stop at `max_steps` or `budget` is a failure | |
/// | `expand_violating` | states in which a rule is broken are explored further | |
/// | `fail_on = high` | the least severity that makes the run fail | `low` |
/// | `crate = my::venomqa` | where the crate `venomqa` is, if it is re-exported | `::venomqa` |
///
/// The flags `complete` and `expand_violating` can be written `complete = false` too.
///
/// # The function
///
/// It takes no arguments and returns `World`, or a `Result<World, E>` with any error that can be displayed, such as VenomQA's
/// own, `Box<dyn Error>` or `anyhow::Error`. It may be `async`.
#[proc_macro_attribute]
pub fn exploration(options: TokenStream, item: TokenStream) -> TokenStream {
    expand(Kind::Exploration, options, item)
}

fn expand(kind: Kind, options: TokenStream, item: TokenStream) -> TokenStream {
    expand::attribute(kind, options.into(), item.into(), editor::asks()).into()
}
