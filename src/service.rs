//! Being a daemon: one instance, signals, sleep, the log, the state, and what init and whoever counts are told.

pub mod conditions;
pub mod crash;
pub mod instance;
pub mod log;
pub mod metrics;
pub mod notify;
pub mod signals;
pub mod sleeper;
pub mod state;
pub mod systemd;
