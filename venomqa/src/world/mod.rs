//! The world: the APIs, the systems and the context in which actions and rules run.

mod ignore;
mod into_world;
#[expect(
    clippy::module_inception,
    reason = "the folder is named after its main type"
)]
mod world;

pub(crate) use ignore::{Ignore, Target};
pub use into_world::IntoWorld;
pub use world::World;
