//! The guide: how VenomQA thinks, and how to make it think of your API.
//!
//! | page | answers |
//! |---|---|
//! | [`theory`] | What is explored, and what does a green run prove? |
//! | [`actions`] | How do I declare what users do, and when it applies? |
//! | [`rules`] | How do I declare what must hold? |
//! | [`identity`] | When are two states the same, and what if they never are? |
//! | [`checkpoints`] | How does it go back while my server keeps running? |
//! | [`postgres`], [`mysql`], [`redis`], [`sqlite`] | What does my database need, and what cannot be undone there? |
//! | [`servers`] | How is my server started, restarted and stopped? |
//! | [`ci`] | How do I run it in CI, with other tests beside it? |

#[doc = include_str!("theory.md")]
pub mod theory {}

#[doc = include_str!("actions.md")]
pub mod actions {}

#[doc = include_str!("rules.md")]
pub mod rules {}

#[doc = include_str!("identity.md")]
pub mod identity {}

#[doc = include_str!("checkpoints.md")]
pub mod checkpoints {}

#[doc = include_str!("postgres.md")]
pub mod postgres {}

#[doc = include_str!("mysql.md")]
pub mod mysql {}

#[doc = include_str!("redis.md")]
pub mod redis {}

#[doc = include_str!("sqlite.md")]
pub mod sqlite {}

#[doc = include_str!("servers.md")]
pub mod servers {}

#[doc = include_str!("ci.md")]
pub mod ci {}
