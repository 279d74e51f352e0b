//! Limits: a condition is waited for, and a test that hangs is ended, with all that it has started.

use super::process;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread;
use std::time::{Duration, Instant};

/// No condition is waited for longer than this.
const PATIENCE: Duration = Duration::from_secs(30);
/// From one look at a condition to the next.
const STEP: Duration = Duration::from_millis(25);
/// No test takes longer than this.
const TEST_LIMIT: Duration = Duration::from_secs(120);
/// The same for the long versions.
const SOAK_LIMIT: Duration = Duration::from_secs(2 * 3600);

/// Whether the long versions of the tests were asked for, with `make soak`.
pub fn is_soak() -> bool {
    std::env::var_os("GTD_SOAK").is_some_and(|value| value == "1")
}

/// Waits until `condition` holds.
pub fn wait_until(what: &str, condition: impl FnMut() -> bool) {
    assert!(holds_within(PATIENCE, condition), "waited {PATIENCE:?} in vain: {what}");
}

/// Waits until `find` finds something.
pub fn eventually<T>(what: &str, mut find: impl FnMut() -> Option<T>) -> T {
    let mut found = None;
    wait_until(what, || {
        found = find();
        found.is_some()
    });
    found.expect("it was waited for")
}

/// Whether `condition` comes to hold within `time`.
pub fn holds_within(time: Duration, mut condition: impl FnMut() -> bool) -> bool {
    let end = Instant::now() + time;
    loop {
        if condition() {
            return true;
        }
        if Instant::now() >= end {
            return false;
        }
        thread::sleep(STEP);
    }
}

/// Ends this process if the test is not over in time: a test that hangs would otherwise hang the whole run, and leave its
/// processes to the next one. It is over when this is dropped.
#[derive(Debug)]
pub struct Watchdog(Option<Sender<()>>);

impl Watchdog {
    /// Watches the test that calls this; `dir` is its town's.
    pub fn start(dir: &Path) -> Watchdog {
        let name = thread::current().name().unwrap_or("a test").to_owned();
        let dir: PathBuf = dir.to_owned();
        let (alive, over) = mpsc::channel();
        let limit = if is_soak() { SOAK_LIMIT } else { TEST_LIMIT };
        thread::spawn(move || {
            if over.recv_timeout(limit) == Err(RecvTimeoutError::Timeout) {
                // Not through print!, which the test harness would keep for itself.
                let log = std::fs::read_to_string(dir.join("t/daemon/daemon.log")).unwrap_or_default();
                let text = format!("\n{name} hangs: ended after {limit:?}; the log of its town:\n{log}\n");
                let _ = std::io::stderr().write_all(text.as_bytes());
                process::kill_all_of(&dir);
                let _ = std::fs::remove_dir_all(&dir);
                std::process::abort();
            }
        });
        Watchdog(Some(alive))
    }
}

impl Drop for Watchdog {
    fn drop(&mut self) {
        self.0.take();
    }
}
