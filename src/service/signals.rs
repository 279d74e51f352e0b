//! Signals, and the other things that wake the daemon, as events.
//!
//! Signals coalesce: many are one, so they are never counted. They are turned into events by a thread of their own, which does
//! nothing else. A stop is obeyed within 300 ms; whoever asks again after that gets gtd ended at once, whatever the main
//! thread is doing. Asked twice before that (by init and by a person, say), it still ends in order.

use crate::sys::bell::Ringer;
use crate::sys::command::running;
use crossbeam_channel::Sender;
use signal_hook::consts::{SIGALRM, SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2, SIGVTALRM, SIGXFSZ};
use signal_hook::flag;
use signal_hook::iterator::Signals;
use std::io;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::thread;
use std::time::{Duration, Instant};

/// What the main thread hears of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// SIGTERM, SIGINT or SIGQUIT: end, with the state saved.
    Stop(i32),
    /// SIGUSR1: look now.
    Wake,
    /// SIGHUP: open the log anew and read the configuration.
    Reload,
    /// A process that is watched has ended.
    Ended {
        /// Its PID.
        pid: u32,
    },
    /// The moment that the plan asked for has come, and how long ago.
    Due {
        /// How much later than asked for the sleeper woke.
        late: Duration,
    },
}

/// A stop that is not obeyed by then is not obeyed.
const OBEYED_WITHIN: Duration = Duration::from_millis(300);

/// The stack of a thread that only waits and tells.
pub const SMALL_STACK: usize = 64 << 10;

/// Sends an event for each signal from now on.
///
/// # Errors
/// Where the handlers or the thread cannot be made.
pub fn listen(events: Sender<Event>, ringer: Ringer) -> io::Result<()> {
    let mut signals = Signals::new([SIGTERM, SIGINT, SIGQUIT, SIGUSR1, SIGHUP])?;
    // These would end gtd by default: a file that has grown too large is a write that failed, and the others mean nothing.
    let nothing = Arc::new(AtomicBool::new(false));
    for signal in [SIGXFSZ, SIGUSR2, SIGALRM, SIGVTALRM] {
        flag::register(signal, Arc::clone(&nothing))?;
    }
    let tell = move || {
        let mut asked: Option<Instant> = None;
        for signal in signals.forever() {
            let event = match signal {
                SIGUSR1 => Event::Wake,
                SIGHUP => Event::Reload,
                stop => {
                    let first = *asked.get_or_insert_with(Instant::now);
                    if first.elapsed() > OBEYED_WITHIN {
                        running::kill_current();
                        std::process::exit(128 + stop);
                    }
                    Event::Stop(stop)
                }
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
        SIGQUIT => "quit",
        SIGTERM => "terminated",
        _ => "unknown",
    }
}
