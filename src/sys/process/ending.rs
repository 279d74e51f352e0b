//! Ending whole process trees, and signalling one process without fear of hitting another.

use super::{Table, lives};
use crate::sys::attention::{Attention, Stopped};
use crate::sys::raw::{self, Wait};
use crate::town::snapshot::Process;
use std::os::fd::{AsFd, OwnedFd};
use std::time::{Duration, Instant};

/// Why a tree was not ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotEnded {
    /// gtd or one of its ancestors is in it.
    WouldEndGtd,
    /// Processes cannot be told apart on this system.
    NoTable,
}

/// How long a tree may take to end by itself, before it is killed.
const PATIENCE: Duration = Duration::from_secs(3);

/// Ends the trees of `roots`: TERM and CONT to every process, then, after at most 3 s for all of them together, KILL to
/// what is left. `spared` (the tmux server) and PIDs below 2 are never signalled. Each signal goes through a descriptor that
/// was checked against the scan, so that a PID which has found a new owner meanwhile is left alone.
///
/// # Errors
/// [`Stopped`] if gtd was told to end; within, why nothing was ended.
pub fn end_trees(
    roots: &[Process],
    spared: &[u32],
    attention: &mut Attention,
) -> Result<Result<(), NotEnded>, Stopped> {
    let members = |table: &Table| -> Result<Vec<Process>, NotEnded> {
        let ours = table.ancestors_of_gtd();
        let mut found: Vec<Process> = roots.iter().flat_map(|root| table.tree(*root)).collect();
        if found.iter().any(|p| ours.contains(&p.pid)) {
            return Err(NotEnded::WouldEndGtd);
        }
        found.retain(|p| p.pid > 1 && !spared.contains(&p.pid));
        Ok(found)
    };
    let end = Instant::now() + PATIENCE;
    for signals in [&[libc::SIGTERM, libc::SIGCONT][..], &[libc::SIGKILL][..]] {
        let Ok(table) = Table::read() else {
            return Ok(Err(NotEnded::NoTable));
        };
        let targets = match members(&table) {
            Ok(targets) => targets,
            Err(why) => return Ok(Err(why)),
        };
        let handles: Vec<Handle> = targets.into_iter().filter_map(Handle::open).collect();
        for handle in &handles {
            for signal in signals {
                handle.signal(*signal);
            }
        }
        let killing = signals.contains(&libc::SIGKILL);
        let until = if killing { Instant::now() + PATIENCE / 3 } else { end };
        wait_for_all(handles, until, attention)?;
    }
    Ok(Ok(()))
}

fn wait_for_all(mut handles: Vec<Handle>, until: Instant, attention: &mut Attention) -> Result<(), Stopped> {
    loop {
        handles.retain(Handle::lives);
        let left = until.saturating_duration_since(Instant::now());
        if handles.is_empty() || left.is_zero() {
            return Ok(());
        }
        let mut waits: Vec<Wait> = handles.iter().filter_map(Handle::wait).collect();
        // Where nothing tells of an end, and for those whose end nobody reaps, it is looked for.
        let step = if waits.is_empty() { Duration::from_millis(10) } else { Duration::from_millis(100) };
        attention.listen(Some(left.min(step)), &mut waits)?;
    }
}

/// A process that can be signalled without fear of hitting another.
#[derive(Debug)]
pub struct Handle {
    process: Process,
    fd: Option<OwnedFd>,
}

impl Handle {
    /// Takes hold of exactly this process; `None` if it is gone.
    pub fn open(process: Process) -> Option<Handle> {
        let fd = match raw::pidfd_open(process.pid) {
            Ok(fd) => Some(fd),
            Err(error) if error.raw_os_error() == Some(libc::ESRCH) => return None,
            // An old kernel: the check below is then all there is between the look and the signal.
            Err(_) => None,
        };
        lives(process).then_some(Handle { process, fd })
    }

    /// Sends a signal; to one that has ended, nothing.
    pub fn signal(&self, signal: i32) {
        let _ = match &self.fd {
            Some(fd) => raw::pidfd_signal(fd.as_fd(), signal),
            None if lives(self.process) => raw::kill(self.process.pid, signal),
            None => Ok(()),
        };
    }

    /// Whether it still lives.
    pub fn lives(&self) -> bool {
        lives(self.process)
    }

    fn wait(&self) -> Option<Wait> {
        self.fd.as_ref().map(|fd| Wait::readable(fd.as_fd()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::process::identify;
    use std::os::unix::process::CommandExt;

    #[test]
    fn a_tree_that_ignores_being_asked_is_killed_and_nothing_else() {
        let mut bystander = std::process::Command::new("sleep").arg("1000").spawn().expect("sleep");
        let script = "trap '' TERM; sleep 1000 & sleep 1000";
        let mut tree = std::process::Command::new("/bin/sh").args(["-c", script]).process_group(0).spawn().expect("sh");
        let pid = identify(tree.id());
        let end = Instant::now() + Duration::from_secs(30);
        while Table::read().expect("a table").tree(pid).len() < 3 {
            assert!(Instant::now() < end, "the tree did not grow");
            std::thread::sleep(Duration::from_millis(10));
        }
        let done = end_trees(&[pid], &[], &mut Attention::nobody()).expect("nobody stops it");
        assert_eq!(done, Ok(()));
        assert!(Table::read().expect("a table").tree(pid).is_empty());
        assert!(lives(identify(bystander.id())));
        tree.wait().expect("reaped");
        bystander.kill().expect("killed");
        bystander.wait().expect("reaped");
    }

    #[test]
    fn gtd_and_its_ancestors_are_never_ended() {
        let parent = std::os::unix::process::parent_id();
        for root in [std::process::id(), parent] {
            let done = end_trees(&[identify(root)], &[], &mut Attention::nobody()).expect("nobody stops it");
            assert_eq!(done, Err(NotEnded::WouldEndGtd));
        }
    }
}
