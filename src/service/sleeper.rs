//! The sleeper: a thread that waits until the moment the plan asked for, and says so.

use super::signals::{Event, SMALL_STACK};
use crate::sys::bell::{self, Ringer};
use crate::sys::clock;
use crate::town::time::Tick;
use crossbeam_channel::Sender;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

/// The daemon's end: it says when it wants to be woken.
#[derive(Debug)]
pub struct Sleeper {
    wanted: Arc<Mutex<Option<Tick>>>,
    ringer: Ringer,
}

impl Sleeper {
    /// Starts the thread.
    ///
    /// # Errors
    /// Where there are no descriptors or threads left.
    pub fn start(events: Sender<Event>, daemon: Ringer) -> io::Result<Sleeper> {
        let (ringer, bell) = bell::bell()?;
        let wanted = Arc::new(Mutex::new(None));
        let orders = Arc::clone(&wanted);
        let sleep = move || {
            loop {
                let until: Option<Tick> = *orders.lock().unwrap_or_else(PoisonError::into_inner);
                let left = until.map(|until| until.since(clock::now().tick));
                if bell.rings_within(left) {
                    bell.silence();
                    continue;
                }
                let now = clock::now().tick;
                let mut orders = orders.lock().unwrap_or_else(PoisonError::into_inner);
                // Another order may have come in between, or the system's wait was shorter than ours.
                let Some(until) = orders.filter(|until| *until <= now) else {
                    continue;
                };
                *orders = None;
                drop(orders);
                let late = now.since(until);
                if events.send(Event::Due { late }).is_err() {
                    return;
                }
                daemon.ring();
            }
        };
        thread::Builder::new().name("sleeper".to_owned()).stack_size(SMALL_STACK).spawn(sleep)?;
        Ok(Sleeper { wanted, ringer })
    }

    /// Wakes the daemon at `at`, and not at the moment it wanted before.
    pub fn wake_at(&self, at: Tick) {
        *self.wanted.lock().unwrap_or_else(PoisonError::into_inner) = Some(at);
        self.ringer.ring();
    }
}
