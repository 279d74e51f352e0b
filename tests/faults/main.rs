//! What gtd promises when things go wrong around it: it is killed, its writes fail, its disk is full, its tmux server stops or
//! begins anew, its children hang and flood, it is started fifty times at once, and others put their files where its own
//! belong. After each of them the same has to hold: see [`health`].
//!
//! `make test` runs a short version of each; `make soak` runs the same code for longer (see [`support::is_soak`]). Where chance
//! plays a part, the seed is shown when a test fails, and `GTD_SEED` takes it again.

#[path = "../support/mod.rs"]
mod support;

mod access;
mod chance;
mod children;
mod disk;
mod full;
mod health;
mod instance;
mod kills;
mod long;
mod server;
