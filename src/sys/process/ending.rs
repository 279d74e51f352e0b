//! Ending whole process trees, and signalling one process without fear of hitting another.

use super::{Table, lives};
use crate::sys::attention::{Attention, Stopped};
use crate::sys::raw::{self, Wait};
use crate::town::process::Process;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::time::{Duration, Instant};

/// That processes cannot be listed on this system, so that nothing was ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoTable;

/// Whether gtd, or one of those it descends from, is in one of these trees: they must not be ended then.
pub fn would_end_gtd(roots: &[Process], table: &Table) -> bool {
    let ours = table.ancestors_of_gtd();
    roots.iter().flat_map(|root| table.tree(*root)).any(|process| ours.contains(&process.pid))
}

/// How long a tree may take to end by itself, before it is killed.
const PATIENCE: Duration = Duration::from_secs(3);

/// Ends the trees of `roots`: TERM and CONT to every process, then, after at most 3 s for all of them together, KILL to
/// what is left. `spared` (the tmux server) and PIDs below 2 are never signalled. Each signal goes through a descriptor that
/// was checked against the scan, so that a PID which has found a new owner meanwhile is left alone.
///
/// # Errors
/// [`Stopped`] if gtd was told to end; within, [`NoTable`].
pub fn end_trees(roots: &[Process], spared: &[u32], attention: &mut Attention) -> Result<Result<(), NoTable>, Stopped> {
    let end = Instant::now() + PATIENCE;
    let mut members: Vec<Process> = Vec::new();
    for signals in [&[libc::SIGTERM, libc::SIGCONT][..], &[libc::SIGKILL][..]] {
        let Ok(table) = Table::read() else {
            return Ok(Err(NoTable));
        };
        let ours = table.ancestors_of_gtd();
        // Those of the first scan are members still, even where what they descended from is gone.
        members.retain(|process| lives(*process));
        for process in roots.iter().flat_map(|root| table.tree(*root)) {
            let untouchable = process.pid <= 1 || spared.contains(&process.pid) || ours.contains(&process.pid);
            if !untouchable && !members.contains(&process) {
                members.push(process);
            }
        }
        let handles: Vec<Handle> = members.iter().copied().filter_map(Handle::open).collect();
        for handle in &handles {
            for signal in signals {
                // Another user's process in the tree cannot be ended by us.
                let _ = handle.signal(*signal);
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
    ///
    /// # Errors
    /// EPERM: it is another user's.
    pub fn signal(&self, signal: i32) -> io::Result<()> {
        let sent = match &self.fd {
            Some(fd) => raw::pidfd_signal(fd.as_fd(), signal),
            None if lives(self.process) => raw::kill(self.process.pid, signal),
            None => Ok(()),
        };
        match sent {
            Err(error) if error.raw_os_error() == Some(libc::ESRCH) => Ok(()),
            sent => sent,
        }
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
    fn what_leaves_its_tree_while_it_is_ended_is_ended_too() {
        let dir = tempfile::tempdir().expect("a directory");
        let file = dir.path().join("pid");
        let script =
            format!("setsid sh -c 'trap \"\" TERM; echo $$ >{}; while :; do sleep 1; done' & wait", file.display());
        let mut tree =
            std::process::Command::new("/bin/sh").args(["-c", &script]).process_group(0).spawn().expect("sh");
        let end = Instant::now() + Duration::from_secs(30);
        let pid = loop {
            match std::fs::read_to_string(&file).ok().and_then(|text| text.trim().parse().ok()) {
                Some(pid) => break pid,
                None => assert!(Instant::now() < end, "it did not start"),
            }
            std::thread::sleep(Duration::from_millis(10));
        };
        let stray = identify(pid);
        let done = end_trees(&[identify(tree.id())], &[], &mut Attention::nobody()).expect("nobody stops it");
        assert_eq!(done, Ok(()));
        assert!(!lives(stray));
        tree.wait().expect("reaped");
    }

    #[test]
    fn gtd_and_its_ancestors_are_never_ended() {
        let parent = std::os::unix::process::parent_id();
        let ends_gtd = |pid| would_end_gtd(&[identify(pid)], &Table::read().expect("a table"));
        for root in [std::process::id(), parent] {
            assert!(ends_gtd(root));
        }
        let mut bystander = std::process::Command::new("sleep").arg("1000").spawn().expect("sleep");
        assert!(!ends_gtd(bystander.id()));
        bystander.kill().expect("killed");
        bystander.wait().expect("reaped");
    }
}
