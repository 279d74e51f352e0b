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
    wanted: Arc<Mutex<Option<Order>>>,
    ringer: Ringer,
}

/// When to wake the daemon, and when it said so: an order that comes after its time is not late.
#[derive(Clone, Copy, Debug)]
struct Order {
    at: Tick,
    given: Tick,
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
                let order: Option<Order> = *orders.lock().unwrap_or_else(PoisonError::into_inner);
                let left = order.map(|order| order.at.since(clock::now().tick));
                if bell.rings_within(left) {
                    bell.silence();
                    continue;
                }
                let now = clock::now().tick;
                let mut orders = orders.lock().unwrap_or_else(PoisonError::into_inner);
                // Another order may have come in between, or the system's wait was shorter than ours.
                let Some(order) = orders.filter(|order| order.at <= now) else {
                    continue;
                };
                *orders = None;
                drop(orders);
                let late = now.since(order.at.max(order.given));
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
        *self.wanted.lock().unwrap_or_else(PoisonError::into_inner) = Some(Order { at, given: clock::now().tick });
        self.ringer.ring();
    }
}
