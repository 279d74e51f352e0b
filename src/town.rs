//! The words: what a town is made of, as plain values. No clock, no file, no process.

pub mod agent;
pub mod config;
pub mod duration;
pub mod history;
pub mod identity;
pub mod json;
pub mod json_edit;
pub mod level;
pub mod mail;
pub mod names;
pub mod need;
pub mod outage;
pub mod outcome;
pub mod plan;
pub mod request;
pub mod rigs;
pub mod sha256;
pub mod shell_line;
pub mod snapshot;
pub mod sorted;
pub mod spawn;
pub mod start;
pub mod text;
pub mod theme;
pub mod time;
