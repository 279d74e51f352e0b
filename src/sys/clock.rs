//! What time it is. Everything that decides gets it as an argument; only the daemon and the hands ask.

use super::raw;
use crate::town::time::{Moment, Tick, Wall};
use std::time::{SystemTime, UNIX_EPOCH};

/// Both clocks, now.
pub fn now() -> Moment {
    let boot = raw::since_boot();
    Moment {
        wall: wall_of(SystemTime::now()),
        tick: Tick::from_millis(u64::try_from(boot.as_millis()).unwrap_or(u64::MAX)),
    }
}

/// A file's or the system's time as ours.
pub fn wall_of(time: SystemTime) -> Wall {
    let nanos = match time.duration_since(UNIX_EPOCH) {
        Ok(after) => i64::try_from(after.as_nanos()).unwrap_or(i64::MAX),
        Err(before) => i64::try_from(before.duration().as_nanos()).map_or(i64::MIN, |n| -n),
    };
    Wall::from_nanos(nanos)
}

/// The offset of local time from UTC at `at`, in seconds.
pub fn local_offset(at: Wall) -> i32 {
    raw::local_offset(at.seconds())
}

/// What tells this boot of the machine from all others; empty where the system does not say.
pub fn boot_id() -> String {
    std::fs::read_to_string("/proc/sys/kernel/random/boot_id").map(|id| id.trim().to_owned()).unwrap_or_default()
}
