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
const SMALL_STACK: usize = 64 << 10;

/// What the other threads tell the main thread by. Clones tell the same one.
#[derive(Clone, Debug)]
pub struct Teller {
    events: Sender<Event>,
    ringer: Ringer,
}

impl Teller {
    /// Puts what there is to be told into `events`, and rings for it.
    pub const fn new(events: Sender<Event>, ringer: Ringer) -> Teller {
        Teller { events, ringer }
    }

    /// Tells; says whether anybody is left to hear it.
    pub fn tell(&self, event: Event) -> bool {
        // A channel without bounds is never full, and `send` is twice the program: it can wait for room.
        let is_heard = self.events.try_send(event).is_ok();
        self.ringer.ring();
        is_heard
    }
}

/// Starts a thread that only waits and tells.
///
/// # Errors
/// Where the system has no threads left.
pub fn start_thread(name: &str, task: Box<dyn FnOnce() + Send>) -> io::Result<()> {
    thread::Builder::new().name(name.to_owned()).stack_size(SMALL_STACK).spawn(task).map(drop)
}

/// Sends an event for each signal from now on.
///
/// # Errors
/// Where the handlers or the thread cannot be made.
pub fn listen(teller: Teller) -> io::Result<()> {
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
            if !teller.tell(event) {
                return;
            }
        }
    };
    start_thread("signals", Box::new(tell))
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
