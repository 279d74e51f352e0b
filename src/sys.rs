//! The machine: clocks, files, other programs, processes, and the little that needs libc.

pub mod attention;
pub mod bell;
pub mod clock;
pub mod command;
pub mod files;
pub mod limits;
pub mod process;
pub mod random;
pub mod raw;
pub mod tally;
pub mod user;
