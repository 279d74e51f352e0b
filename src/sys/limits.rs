//! How many descriptors gtd may have open. Each process that is watched takes one; the soft limit is made for programs that
//! use select(2), and gtd raises its own where a town needs more. Its children get the old one back.

use super::raw;
use std::process::Command;
use std::sync::atomic::{AtomicU64, Ordering};

/// Descriptors for everything else: files, pipes, locks, and the terminal.
const RESERVED: u64 = 32;

/// The soft limit before it was raised; 0 where it was not.
static BEFORE: AtomicU64 = AtomicU64::new(0);

/// How many descriptors there are for `wanted` of a kind. The limit is raised where that helps.
pub fn room_for(wanted: usize) -> usize {
    let wanted = u64::try_from(wanted).unwrap_or(u64::MAX).saturating_add(RESERVED);
    let (mut soft, hard) = raw::descriptor_limits();
    if soft < wanted && soft < hard && raw::set_descriptor_limit(hard).is_ok() {
        BEFORE.store(soft, Ordering::Relaxed);
        soft = hard;
    }
    usize::try_from(soft.saturating_sub(RESERVED)).unwrap_or(usize::MAX)
}

/// Gives a child the limit that gtd was started with.
pub fn restore_for(command: &mut Command) {
    // Not where it was never raised: without anything to be done between fork and exec, a child is started faster.
    match BEFORE.load(Ordering::Relaxed) {
        0 => {}
        before => raw::limit_descriptors_of(command, before),
    }
}
