//! What the tests of the whole program stand on: a town in a directory of its own, a tmux server that nobody else uses,
//! `bd`, `gt` and agents that are small programs and do as they are told, and the real gtd.
//!
//! - [`town`]: the town, its files, its tmux server, and how it is torn down.
//! - [`fakes`]: the programs that stand for `bd`, `gt` and an agent.
//! - [`program`]: the gtd that a test runs, or runs beside.
//! - [`check`]: what `gtd --check` has found.
//! - [`limit`]: waiting for a condition, and the end of a test that hangs.
//! - [`mail`]: a `gt` with an inbox, a `bd` whose beads can be rewritten, and what a test wants to know of both.
//! - [`init`]: what a service tells init; [`openmetrics`]: a strict reader of what it counts.
//! - [`process`]: processes of a town, found by their environment, and signals to them.

// Each test file uses a part of this.
#![allow(dead_code, unused_imports)]

pub mod check;
pub mod fakes;
pub mod init;
pub mod limit;
pub mod mail;
pub mod openmetrics;
pub mod process;
pub mod program;
pub mod town;

pub use check::Checked;
pub use fakes::Mode;
pub use init::Init;
pub use limit::{eventually, is_soak, wait_until};
pub use mail::Letter;
pub use program::{Gtd, Ran};
pub use town::{Town, listing, recorded_file};
