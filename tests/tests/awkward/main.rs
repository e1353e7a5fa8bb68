//! Explorations of a server that dies, hangs, lies, forgets and works on behind one's back: what a user is told.

mod actions;
mod background;
mod deaths;
mod determinism;
mod elsewhere;
mod hidden_state;
mod hooks;
mod lab;
mod limits;
mod rubbish;
mod rules;
mod secrets;
mod setup;
mod silence;
mod statuses;
mod worlds;
