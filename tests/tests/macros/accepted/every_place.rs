//! The attributes work wherever a function can stand, and on every form of function that can be called.

#![deny(warnings)]

use venomqa::__private::{ActionEntry, inventory};
use venomqa::prelude::*;

mod inner {
    use venomqa::prelude::*;

    #[action]
    pub(crate) fn in_module() {}

    pub(super) mod deeper {
        #[venomqa::action]
        pub async fn in_deeper_module() {}
    }
}

macro_rules! getter {
    ($name:ident, $path:literal, $api:ty, $out:ty) => {
        #[action(name = $path)]
        fn $name(api: $api) -> $out {
            api.get($path)
        }
    };
}

getter!(by_macro, "orders", &HttpClient, Request);

#[action]
#[cfg(any())]
fn left_out(_: &Nothing) {}

#[cfg_attr(all(), action)]
fn by_condition() {}

#[action]
const fn constant() {}

#[action]
extern "C" fn foreign() {}

#[action]
fn patterns(_: &HttpClient, ctx @ &mut _: &mut Context, #[values((1, 2))] mut pair: (u8, u8)) {
    pair.0 += 1;
    ctx.set("key", pair);
}

#[action]
fn r#while(#[values(1)] r#for: u8) -> Result<()> {
    if r#for == 0 { Err(Error::set_up("zero")) } else { Ok(()) }
}

#[action]
#[must_use]
#[allow(clippy::unused_async)]
async fn with_other_attributes(#[allow(unused_variables)] api: &HttpClient) -> Option<Request> {
    None
}

#[action]
fn bounded<'a, 'b>(ctx: &'a Context, _world: &'b World) -> Result<Option<Request>>
where
    'a: 'b,
{
    ctx.require::<()>("key").map(|()| None)
}

fn main() {
    #[action]
    fn in_function() {}

    let mut names: Vec<_> = inventory::iter::<ActionEntry>
        .into_iter()
        .map(|entry| (entry.place.module.replace("::", "."), entry.name))
        .collect();
    names.sort();
    let names: Vec<_> = names.iter().map(|(_, name)| *name).collect();
    let expected = [
        "bounded", "by_condition", "constant", "foreign", "in_function", "orders", "patterns",
        "while", "with_other_attributes", "in_module", "in_deeper_module",
    ];
    assert_eq!(names, expected);
}
