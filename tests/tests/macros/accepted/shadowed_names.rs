//! Nothing that a user defines gets in the way of what the attributes write, and none of it draws a warning.

#![no_implicit_prelude]
#![deny(warnings)]
#![forbid(unsafe_code)]

use ::venomqa::{Context, HttpClient, Request, Step, World, action, exploration, invariant};

pub struct Box;
pub struct Vec;
pub enum Option {
    Some,
    None,
}
pub enum Result {
    Ok,
    Err,
}
pub use self::Option::{None, Some};
pub use self::Result::{Err, Ok};

pub mod std {}
pub mod core {}
pub mod venomqa {}

macro_rules! panic_if_used {
    ($($name:ident)*) => {
        $(
            #[allow(unused_macros)]
            macro_rules! $name {
                ($d:tt) => { compile_error!("used") };
            }
        )*
    };
}
panic_if_used!(unreachable line column file module_path);

#[action(requires("id"), max_calls = 2, expect = 200)]
fn call(parts: &HttpClient, #[values(1, 2)] choice: i64, #[values(true)] value: bool) -> Request {
    parts.get(if value && choice == 1 { "/1" } else { "/2" })
}

#[action]
fn drop() {}

#[action]
fn taken(error: &Context, returned: &World) -> Request {
    let _ = error;
    returned.main_api().unwrap().get("/")
}

#[invariant(severity = low, when = both)]
async fn checked(outcome: &Step, world: &Context) -> bool {
    outcome.status.is_some() && world.has("id")
}

#[invariant]
fn world(name: &World) {
    let _ = name;
}

#[exploration(
    strategy = bfs,
    max_depth = 1,
    max_steps = 1,
    budget = 5,
    seed = 0,
    complete,
    expand_violating,
    fail_on = critical
)]
fn main_world() -> World {
    World::without_api()
}

fn main() {}
