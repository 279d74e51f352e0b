//! The sleeper: a thread that waits until the moment the plan asked for, or until an agent's process ends, and says so.
//!
//! It sleeps in one poll(2) on the clock and on a descriptor for each process. Where the system has no such descriptors, or
//! not as many, the clock wakes it for the rest.

use super::signals::{Event, Teller, start_thread};
use crate::sys::bell::{self, Bell, Ringer};
use crate::sys::clock;
use crate::sys::limits;
use crate::sys::raw::{self, Wait};
use crate::town::sorted::{SortedMap, SortedSet};
use crate::town::time::Tick;
use std::fmt;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

/// The daemon's end: it says when it wants to be woken, and for whose sake.
#[derive(Debug)]
pub struct Sleeper {
    orders: Arc<Mutex<Orders>>,
    ringer: Ringer,
    daemon: Teller,
}

#[derive(Debug, Default)]
struct Orders {
    wake: Option<Wake>,
    /// Counts the lists, so that the thread knows a new one.
    list: u64,
    watched: Arc<Vec<Arc<Watched>>>,
}

/// When to wake the daemon, and when it said so: an order that comes after its time is not late.
#[derive(Clone, Copy, Debug)]
struct Wake {
    at: Tick,
    given: Tick,
}

/// A process that is watched.
#[derive(Debug)]
struct Watched {
    pid: u32,
    end: OwnedFd,
}

/// What to wait for until one of these ends.
fn ends(list: &[&Arc<Watched>]) -> Vec<Wait> {
    list.iter().map(|watched| Wait::readable(watched.end.as_fd())).collect()
}

/// Those of a list that have not ended, as far as the system tells.
fn living(list: &[Arc<Watched>]) -> Vec<&Arc<Watched>> {
    let mut living: Vec<&Arc<Watched>> = list.iter().collect();
    let mut waits = ends(&living);
    if raw::poll(&mut waits, Some(Duration::ZERO)).is_ok() {
        let mut waits = waits.iter();
        living.retain(|_| waits.next().is_some_and(|wait| !wait.ready));
    }
    living
}

/// Why not all processes are watched; the next look sees what becomes of the others.
#[derive(Debug)]
pub struct Unwatched {
    /// How many are not.
    pub count: usize,
    /// Why not.
    why: io::Error,
}

impl fmt::Display for Unwatched {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.why.raw_os_error() {
            Some(libc::ENOSYS) => f.write_str("this system does not tell when a process ends"),
            Some(libc::EMFILE) => write!(
                f,
                "{} processes of agents are not watched, since gtd may open no more files (ulimit -n)",
                self.count
            ),
            _ => write!(f, "{} processes of agents are not watched ({})", self.count, self.why),
        }
    }
}

impl Sleeper {
    /// Starts the thread.
    ///
    /// # Errors
    /// Where there are no descriptors or threads left.
    pub fn start(daemon: Teller) -> io::Result<Sleeper> {
        let (ringer, bell) = bell::bell()?;
        let orders = Arc::new(Mutex::new(Orders::default()));
        let sleeping = Sleeping { orders: Arc::clone(&orders), bell, daemon: daemon.clone() };
        start_thread("sleeper", Box::new(move || sleeping.sleep()))?;
        Ok(Sleeper { orders, ringer, daemon })
    }

    /// Wakes the daemon at `at`, and not at the moment it wanted before.
    pub fn wake_at(&self, at: Tick) {
        self.lock().wake = Some(Wake { at, given: clock::now().tick });
        self.ringer.ring();
    }

    /// Wakes the daemon when one of these processes ends, and no longer for those of the list before. One that has ended
    /// already, between the look and now, is one that ends. Where there are not enough descriptors, the first are watched.
    ///
    /// # Errors
    /// [`Unwatched`], if some are not watched.
    pub fn watch(&self, pids: &[u32]) -> Result<(), Unwatched> {
        // A descriptor that is there is used on: opened anew, the old ones would take the room of others meanwhile.
        let list = Arc::clone(&self.lock().watched);
        let before = living(&list);
        // Most looks show what the one before has shown: then the thread sleeps on.
        if before.len() == list.len() && before.iter().map(|watched| watched.pid).eq(pids.iter().copied()) {
            return Ok(());
        }
        let before: SortedMap<u32, &Arc<Watched>> = before.into_iter().map(|watched| (watched.pid, watched)).collect();
        let mut room = limits::room_for(pids.len()).saturating_sub(before.len());
        let mut list = Vec::with_capacity(pids.len());
        let mut unwatched = Ok(());
        for (number, pid) in pids.iter().enumerate() {
            if let Some(watched) = before.get(pid) {
                list.push(Arc::clone(watched));
                continue;
            }
            let full = || io::Error::from_raw_os_error(libc::EMFILE);
            let opened = if room == 0 { Err(full()) } else { raw::pidfd_open(*pid) };
            match opened {
                Ok(end) => {
                    list.push(Arc::new(Watched { pid: *pid, end }));
                    room -= 1;
                }
                Err(error) if error.raw_os_error() == Some(libc::ESRCH) => {
                    self.daemon.tell(Event::Ended { pid: *pid });
                }
                Err(why) => {
                    unwatched = Err(Unwatched { count: pids.len() - number, why });
                    break;
                }
            }
        }
        drop(before);
        let mut orders = self.lock();
        orders.watched = Arc::new(list);
        orders.list += 1;
        drop(orders);
        self.ringer.ring();
        unwatched
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Orders> {
        self.orders.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The thread's end.
struct Sleeping {
    orders: Arc<Mutex<Orders>>,
    bell: Bell,
    /// It may be gone already; then this thread goes with the process.
    daemon: Teller,
}

impl Sleeping {
    fn sleep(&self) {
        let mut told: SortedSet<u32> = SortedSet::new();
        let mut list = 0;
        loop {
            let (wake, watched) = {
                let orders = self.orders.lock().unwrap_or_else(PoisonError::into_inner);
                if orders.list != list {
                    list = orders.list;
                    told.clear();
                }
                (orders.wake, Arc::clone(&orders.watched))
            };
            let open: Vec<&Arc<Watched>> = watched.iter().filter(|watched| !told.contains(&watched.pid)).collect();
            let mut waits = ends(&open);
            waits.push(Wait::readable(self.bell.as_fd()));
            let left = wake.map(|wake| wake.at.since(clock::now().tick));
            if raw::poll(&mut waits, left).is_err() {
                // No memory, say: not to become a busy loop.
                thread::sleep(Duration::from_millis(100));
            }
            if waits.last().is_some_and(|bell| bell.ready) {
                self.bell.silence();
            }
            for (watched, _) in open.iter().zip(&waits).filter(|(_, wait)| wait.ready) {
                told.insert(watched.pid);
                self.daemon.tell(Event::Ended { pid: watched.pid });
            }
            self.tell_time();
        }
    }

    fn tell_time(&self) {
        let now = clock::now().tick;
        let mut orders = self.orders.lock().unwrap_or_else(PoisonError::into_inner);
        // Another order may have come in between, or the system's wait was shorter than ours.
        let Some(wake) = orders.wake.filter(|wake| wake.at <= now) else { return };
        orders.wake = None;
        drop(orders);
        self.daemon.tell(Event::Due { late: now.since(wake.at.max(wake.given)) });
    }
}
