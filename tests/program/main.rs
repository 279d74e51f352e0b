//! The whole program, as it is used: the real gtd in towns of their own, each with a tmux server that nobody else uses, and
//! with `bd`, `gt` and agents that do as they are told (see [`support`]). Each module takes one side of it.
//!
//! They are one program so that it is linked once, and so that a test that waits leaves the machine to another.

mod answers;
mod bare;
mod beads;
mod beside;
mod check;
mod check_town;
mod commands;
mod daemon;
mod deaths;
mod demo;
mod generation;
mod gt_holds;
mod inbox;
mod instance;
mod metrics;
mod moved;
mod notes;
mod notify;
mod outages;
mod people;
mod pokes;
mod programs;
mod quiet;
mod readme;
mod requests;
mod scale;
mod spawns;
mod spool;
mod starts;
mod status;
#[path = "../support/mod.rs"]
mod support;
mod systemd;
mod tmux_facts;
