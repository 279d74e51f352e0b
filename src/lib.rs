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
#![cfg_attr(not(test), warn(clippy::pedantic))]
#![allow(
    // Only gtd's own binary and tests call this library, and whoever drops an answer there is seen.
    clippy::must_use_candidate,
    clippy::return_self_not_must_use,
    // What appends to a text cannot fail, so that `write!` would bring an error to be dropped each time.
    clippy::format_push_string,
    clippy::format_collect,
    // Arms stand in the order of the rules, each under what it decides, also where there are two of them or two say the same.
    clippy::match_bool,
    clippy::match_same_arms,
    clippy::single_match_else,
    // Flags that are read by their names, and exclude each other nowhere.
    clippy::struct_excessive_bools,
    // Unknown, and known to be nothing, are two answers (`parse_paused`, `lock_dir`).
    clippy::option_option,
    // A closure and what came of something are handed over for good.
    clippy::needless_pass_by_value,
    // `own` beside `one`: words of the same length are no riddle where they stand a line apart.
    clippy::similar_names
)]

pub mod cli;
pub mod daemon;
pub mod decide;
pub mod service;
pub mod sys;
pub mod town;
pub mod world;
