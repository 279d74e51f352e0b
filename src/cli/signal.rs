//! Talking to the daemon that runs: stop and wake.

use super::{Exit, Refusal, print};
use crate::service::instance::{Holder, daemon_dir, holder, tidy};
use crate::service::state;
use crate::sys::process;
use crate::sys::process::ending::Handle;
use crate::town::duration::brief;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

/// How often it is looked whether a daemon has ended.
const STEP: Duration = Duration::from_millis(10);

/// How long a killed daemon is waited for.
const AFTER_KILL: Duration = Duration::from_secs(5);

/// Stops the daemon and waits until its lock is free. Agents live on.
pub fn stop(town: &Path, timeout: Duration) -> Result<Exit, Refusal> {
    let dir = daemon_dir(town);
    let Some((pid, handle)) = find(&dir)? else {
        let _ = tidy(&dir, || state::mark_stopped(&dir));
        return print(format_args!("gtd: no daemon runs for {}\n", town.display()));
    };
    let start = Instant::now();
    send(pid, &handle, libc::SIGTERM)?;
    send(pid, &handle, libc::SIGCONT)?;
    if wait_until_free(&dir, pid, start + timeout)? {
        let _ = tidy(&dir, || state::mark_stopped(&dir));
        return print(format_args!("gtd: stopped (PID {pid}, {} after the signal)\n", brief(start.elapsed())));
    }
    send(pid, &handle, libc::SIGKILL)?;
    if !wait_until_free(&dir, pid, Instant::now() + AFTER_KILL)? {
        return Err(Refusal::new(
            Exit::Failed,
            format_args!(
                "PID {pid} does not end, even killed: its disk may hang; look at it with ps -o stat,wchan {pid}"
            ),
        ));
    }
    // What it could not do itself any more.
    tidy(&dir, || state::mark_stopped(&dir))
        .map_err(|why| Refusal::new(Exit::Failed, format_args!("killed PID {pid}, but {why}")))?;
    print(format_args!("gtd: killed (PID {pid}): it had not ended {} after the signal\n", brief(timeout)))
}

/// Sends a signal, or says why that is not allowed.
pub fn send(pid: u32, daemon: &Handle, signal: i32) -> Result<(), Refusal> {
    let refused = |error| {
        Refusal::new(
            Exit::Failed,
            format_args!("cannot signal PID {pid}: {error}; run this as the user that it runs as"),
        )
    };
    daemon.signal(signal).map_err(refused)
}

/// Has the daemon look at once.
pub fn wake(town: &Path) -> Result<Exit, Refusal> {
    match find(&daemon_dir(town))? {
        Some((pid, handle)) => {
            send(pid, &handle, libc::SIGUSR1)?;
            print(format_args!("gtd: woke PID {pid}\n"))
        }
        None => Err(Refusal::new(
            Exit::NotRunning,
            format_args!("no daemon runs for {}; gtd --background starts one", town.display()),
        )),
    }
}

/// Takes hold of the gtd that serves a town. It is asked twice who that is, before and after: the PID could have found a
/// new owner in between.
pub fn find(dir: &Path) -> Result<Option<(u32, Handle)>, Refusal> {
    for _ in 0..10 {
        match who_serves(dir)? {
            Holder::Nobody => return Ok(None),
            other @ (Holder::Other(_) | Holder::GtDaemon(_)) => {
                return Err(Refusal::new(
                    Exit::Failed,
                    format_args!("{other} serves this town, and is no gtd; gt daemon stop stops Gas Town's own"),
                ));
            }
            gtd @ Holder::Gtd(pid) => {
                let handle = Handle::open(process::identify(pid));
                if let Some(handle) = handle
                    && who_serves(dir)? == gtd
                {
                    return Ok(Some((pid, handle)));
                }
            }
        }
        thread::sleep(STEP);
    }
    Err(Refusal::new(Exit::Failed, format_args!("the daemon changes faster than it can be found; try again")))
}

fn who_serves(dir: &Path) -> Result<Holder, Refusal> {
    holder(dir).map_err(|error| Refusal::new(Exit::Failed, format_args!("{}", error.with_remedy())))
}

/// Waits until this daemon no longer holds the lock; another one may by then.
fn wait_until_free(dir: &Path, pid: u32, end: Instant) -> Result<bool, Refusal> {
    loop {
        let now = who_serves(dir)?;
        if now != Holder::Gtd(pid) && now != Holder::Other(Some(pid)) && now != Holder::Other(None) {
            return Ok(true);
        }
        if Instant::now() >= end {
            return Ok(false);
        }
        thread::sleep(STEP);
    }
}
