//! Signals, and the other things that wake the daemon, as events.
//!
//! Signals coalesce: many are one, so they are never counted. They are turned into events by a thread of their own, which does
//! nothing else; a second request to stop ends gtd from within the handler, whatever any thread is doing.

use crate::sys::bell::Ringer;
use crossbeam_channel::Sender;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM, SIGUSR1};
use signal_hook::flag;
use signal_hook::iterator::Signals;
use std::io;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::thread;
use std::time::Duration;

/// What the main thread hears of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// SIGTERM or SIGINT: end, with the state saved.
    Stop(i32),
    /// SIGUSR1: look now.
    Wake,
    /// SIGHUP: open the log anew and read the configuration.
    Reload,
    /// The moment that the plan asked for has come, and how long ago.
    Due {
        /// How much later than asked for the sleeper woke.
        late: Duration,
    },
}

/// The stack of a thread that only waits and tells.
pub const SMALL_STACK: usize = 64 << 10;

/// Sends an event for each signal from now on.
///
/// # Errors
/// Where the handlers or the thread cannot be made.
pub fn listen(events: Sender<Event>, ringer: Ringer) -> io::Result<()> {
    let asked_before = Arc::new(AtomicBool::new(false));
    for signal in [SIGTERM, SIGINT] {
        // In this order: the first signal finds the flag unset and sets it, the second finds it set.
        flag::register_conditional_shutdown(signal, 128 + signal, Arc::clone(&asked_before))?;
        flag::register(signal, Arc::clone(&asked_before))?;
    }
    let mut signals = Signals::new([SIGTERM, SIGINT, SIGUSR1, SIGHUP])?;
    let tell = move || {
        for signal in signals.forever() {
            let event = match signal {
                SIGUSR1 => Event::Wake,
                SIGHUP => Event::Reload,
                stop => Event::Stop(stop),
            };
            if events.send(event).is_err() {
                return;
            }
            ringer.ring();
        }
    };
    thread::Builder::new().name("signals".to_owned()).stack_size(SMALL_STACK).spawn(tell).map(drop)
}

/// A stop signal as Go's runtime calls it, for the seed's log line.
pub const fn name(signal: i32) -> &'static str {
    match signal {
        SIGINT => "interrupt",
        SIGTERM => "terminated",
        _ => "unknown",
    }
}
