//! `gt nudge-poller SESSION`: the program that hands queued nudges to agents which do not look for them. Gas Town runs one beside
//! a session, detached, in the town's root, with its PID in `.runtime/nudge_poller/SESSION.pid`; so does gtd.

use super::World;
use super::notes;
use super::tmux::Socket;
use super::tool;
use crate::sys::process::{self, ending::Handle};
use crate::town::snapshot::Process;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// The subcommand of `gt`.
const POLLER: &str = "nudge-poller";

impl World {
    /// Has a poller run beside a session, unless one does. The agent works without it, so that nothing that goes wrong here is
    /// worth a word.
    pub fn accompany(&mut self, session: &str) {
        let Some(gt) = self.tools.gt.clone() else { return };
        // Where it cannot be told whether one runs, a second one would type every nudge twice.
        if !self.pollers(session).is_ok_and(|pollers| pollers.is_empty()) {
            return;
        }
        let mut command = tool::command(&gt, &self.root, &self.config).args([POLLER, session]);
        if let Some(Socket::Name(name)) = self.socket() {
            command = command.env("GT_TMUX_SOCKET", name);
        }
        if let Ok(pid) = command.leave(&mut self.left_alone) {
            notes::write(&self.note_of_poller(session), &pid.to_string());
        }
    }

    /// Ends the poller of a session that was ended.
    pub fn unaccompany(&mut self, session: &str) {
        for handle in self.pollers(session).unwrap_or_default().into_iter().filter_map(Handle::open) {
            let _ = handle.signal(libc::SIGTERM);
        }
        // That of one which had ended by itself would name a stranger some day.
        let _ = fs::remove_file(self.note_of_poller(session));
    }

    fn note_of_poller(&self, session: &str) -> PathBuf {
        self.root.join(".runtime/nudge_poller").join(format!("{session}.pid"))
    }

    /// The pollers of this town's session: another town may have one of the same name, on another server.
    fn pollers(&self, session: &str) -> io::Result<Vec<Process>> {
        process::find(|pid, args| polls(args, session) && process::directory(pid).as_deref() == Some(&self.real_root))
    }
}

/// Whether these are the arguments of a poller for `session`. A `gt` that is a script has its interpreter before it.
fn polls(args: &[String], session: &str) -> bool {
    let is_gt = |arg: &String| Path::new(arg).file_name().is_some_and(|name| name == "gt");
    args.windows(3).take(2).any(|w| is_gt(&w[0]) && w[1] == POLLER && w[2] == session)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_poller_is_known_by_its_arguments() {
        let polls = |line: &str| polls(&line.split(' ').map(str::to_owned).collect::<Vec<_>>(), "al-witness");
        for line in
            ["gt nudge-poller al-witness", "/bin/sh /x/gt nudge-poller al-witness", "/x/gt nudge-poller al-witness -v"]
        {
            assert!(polls(line), "{line}");
        }
        for line in ["gt nudge-poller al-witness2", "gt nudge al-witness", "gt", "vi gt.md nudge-poller al-witness"] {
            assert!(!polls(line), "{line}");
        }
    }
}
