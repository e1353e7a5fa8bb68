//! The world: the APIs, the systems and the context in which actions and rules run.

mod act;
mod built_in;
mod canonical;
mod footprint;
mod hooks;
mod identity;
mod ignore;
mod into_world;
mod look;
mod moves;
mod records;
mod stage;
mod suspects;
mod systems;
mod veil;
mod witness;
#[expect(
    clippy::module_inception,
    reason = "the folder is named after its main type"
)]
mod world;

pub(crate) use ignore::{Ignore, Target};
pub use into_world::IntoWorld;
pub(crate) use stage::Stage;
pub use world::World;

/// The names of VenomQA's own rules.
pub(crate) fn built_in_rules() -> impl Iterator<Item = &'static str> {
    built_in::BuiltIn::names()
}
