//! Being a daemon: one instance, signals, sleep, the log, the state.

pub mod conditions;
pub mod crash;
pub mod instance;
pub mod log;
pub mod signals;
pub mod sleeper;
pub mod state;
