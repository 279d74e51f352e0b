//! gtd, Gas Town's town-level daemon: it keeps a town's patrol agents alive in tmux and sends them heartbeats.
//!
//! It is a dumb scheduler: it sees whether a program lives and answers; whether it does good work is for the agents to
//! judge. This page is the map, in reading order; each layer uses only those below it, and a test holds that.
//!
//! - [`cli`]: flags in, one line and an exit status out.
//! - [`daemon`]: the loop. Look, decide, act, record, save, sleep.
//! - [`service`]: being a daemon: the lock, signals, the sleeper, the log, the state.
//! - [`world`]: the town outside: one look at all of it, and one recipe for each action.
//! - [`sys`]: the machine: programs with deadlines, whole files, process trees, clocks.
//! - [`decide`]: the brain: rules, pacing, rhythm. Pure.
//! - [`town`]: the words: agents, snapshots, plans, history, configuration. Pure.
//!
//! ```text
//! SIGTERM SIGINT ─┐ signals ─┐
//! SIGUSR1 SIGHUP ─┘          ├─► one channel ─► daemon: look ─► decide ─► act ─► record ─► save
//! the instant the plan asked ┐ sleeper ─┘        (world)  (pure)  (world)
//! for, or an agent's end ────┘
//! ```
//!
//! To find out why gtd does something, begin at [`decide::decide`]; to find out how, at [`world::World::act`].

#![deny(missing_docs, unsafe_code)]
#![deny(clippy::unwrap_used, clippy::expect_used)]

pub mod cli;
pub mod daemon;
pub mod decide;
pub mod service;
pub mod sys;
pub mod town;
pub mod world;
