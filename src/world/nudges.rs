//! `gt nudge-poller SESSION`: the program that hands queued nudges to agents which do not look for them. Gas Town runs one beside
//! a session, detached, in the town's root, with its PID in `.runtime/nudge_poller/SESSION.pid`; so does gtd.
//!
//! Two for one session would type every nudge twice, so that none is started where one may run. What is a poller is seen
//! through whatever `gt` is: a script has its interpreter before it, a wrapper has the real one for a child, and may have
//! gone elsewhere by itself.

use super::World;
use super::notes;
use super::tmux::Socket;
use super::tool;
use crate::sys::files::{self, Whose};
use crate::sys::process::{self, ending::Handle};
use crate::town::names::Agent;
use crate::town::plan::{Leave, Plan, Verdict};
use crate::town::sorted::SortedMap;
use std::fs;
use std::io;
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// The subcommand of `gt`.
const POLLER: &str = "nudge-poller";

/// One that ends again and again is not started more often.
const PACE: Duration = Duration::from_mins(10);

/// What is known of a session's poller.
#[derive(Debug, Default)]
struct Known {
    /// Whether it was seen since it was last started. One that never is may be there and hide.
    seen: bool,
    /// When it was started anew.
    renewed: Option<Instant>,
}

/// The pollers of sessions, by the sessions' names.
#[derive(Debug, Default)]
pub struct Pollers(SortedMap<String, Known>);

impl World {
    /// Has a poller run beside a session, unless one does. The agent works without it, so that nothing that goes wrong here is
    /// worth a word.
    pub fn accompany(&mut self, session: &str) {
        if self.tools.gt.is_none() {
            return;
        }
        // Where it cannot be told whether one runs, none is started.
        let mut runs = false;
        let looked = process::find(&mut |pid, args| {
            runs |= polls(args, session) && !self.is_elsewhere(pid);
            false
        });
        if looked.is_ok() && !runs {
            self.start_poller(session);
        }
    }

    /// Has pollers run again that have ended beside agents which live; says beside which sessions for the first time. The
    /// processes are looked through once for all of them.
    pub fn accompany_again(&mut self, plan: &Plan, agents: &[Agent]) -> Vec<String> {
        let is_polled = |agent: &Agent| {
            let polled = agent.generation.table().polled.contains(&agent.id.role());
            polled && plan.verdicts.iter().any(|(id, verdict)| *id == agent.id && lives(verdict))
        };
        let mut alone = Vec::new();
        for agent in agents {
            if is_polled(agent) {
                alone.push(agent.session.as_str());
            }
        }
        if alone.is_empty() || self.tools.gt.is_none() {
            return Vec::new();
        }
        let mut running: Vec<&str> = Vec::new();
        let looked = process::find(&mut |pid, args| {
            if let Some(at) = alone.iter().position(|session| polls(args, session) && !self.is_elsewhere(pid)) {
                running.push(alone.swap_remove(at));
            }
            false
        });
        if looked.is_err() {
            return Vec::new();
        }
        for session in running {
            self.pollers.0.get_or_default(session.to_owned()).seen = true;
        }
        let mut said = Vec::new();
        for session in alone {
            let known = self.pollers.0.get_or_default(session.to_owned());
            let is_early = known.renewed.is_some_and(|at| at.elapsed() < PACE);
            let is_first = known.renewed.is_none();
            if !known.seen || is_early || self.noted_poller_lives(session) {
                continue;
            }
            self.pollers.0.insert(session.to_owned(), Known { seen: false, renewed: Some(Instant::now()) });
            if self.start_poller(session) && is_first {
                said.push(session.to_owned());
            }
        }
        said
    }

    /// Ends the poller of a session that was ended.
    pub fn unaccompany(&mut self, session: &str) {
        for handle in self.own_pollers(session).unwrap_or_default().into_iter().filter_map(Handle::open) {
            let _ = handle.signal(libc::SIGTERM);
        }
        // That of one which had ended by itself would name a stranger some day.
        let _ = fs::remove_file(self.note_of_poller(session));
        self.pollers.0.remove(session);
    }

    fn start_poller(&mut self, session: &str) -> bool {
        let Some(gt) = self.tools.gt.clone() else { return false };
        let mut command = tool::command(&gt, &self.root, &self.config).args(&[POLLER, session]);
        if let Some(Socket::Name(name)) = self.socket() {
            command = command.env("GT_TMUX_SOCKET", name);
        }
        let started = command.leave(&mut self.left_alone);
        if let Ok(pid) = started {
            notes::write(&self.note_of_poller(session), &pid.to_string());
        }
        started.is_ok()
    }

    fn note_of_poller(&self, session: &str) -> PathBuf {
        self.root.join(".runtime/nudge_poller").join(format!("{session}.pid"))
    }

    /// Whether the process lives that the note names, whatever it shows of itself.
    fn noted_poller_lives(&self, session: &str) -> bool {
        let note = files::read_at_most(&self.note_of_poller(session), Whose::Towns, 64).ok().flatten();
        let pid = note.and_then(|note| String::from_utf8(note).ok()?.trim().parse().ok());
        pid.is_some_and(|pid| process::lives(process::identify(pid)))
    }

    /// The pollers of this session that are certain to be this town's: only those are ended.
    fn own_pollers(&self, session: &str) -> io::Result<Vec<crate::town::process::Process>> {
        process::find(&mut |pid, args| {
            let is_one =
                process::given(args, "gt").is_some_and(|words| words.starts_with(&[POLLER.into(), session.into()]));
            is_one && process::directory(pid).as_ref() == Some(&self.real_root)
        })
    }

    /// Whether a process works in another town, which may have a session of the same name on another server.
    fn is_elsewhere(&self, pid: u32) -> bool {
        let dir = process::directory(pid);
        dir.is_some_and(|dir| dir != self.real_root && dir.join("mayor/town.json").is_file())
    }
}

/// Whether an agent of this verdict runs in the session that bears its name.
fn lives(verdict: &Verdict) -> bool {
    match verdict {
        Verdict::Leave(leave) => !matches!(leave, Leave::Unknown(_) | Leave::Foreign(_) | Leave::Moved(_)),
        Verdict::Skip(_) | Verdict::Poke { .. } => true,
        Verdict::Hold(_) | Verdict::Wait { .. } | Verdict::Start { .. } => false,
    }
}

/// Whether these arguments have a poller for `session` run, whatever runs it.
fn polls(args: &[String], session: &str) -> bool {
    args.windows(2).any(|two| two == [POLLER, session])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_poller_is_known_by_its_arguments() {
        let polls = |line: &str| polls(&line.split(' ').map(str::to_owned).collect::<Vec<_>>(), "al-witness");
        for line in [
            "gt nudge-poller al-witness",
            "/bin/sh -e -u /x/gt nudge-poller al-witness",
            "/x/gt.real --quiet nudge-poller al-witness -v",
            "docker exec town gt nudge-poller al-witness",
        ] {
            assert!(polls(line), "{line}");
        }
        for line in ["gt nudge-poller al-witness2", "gt nudge al-witness", "gt", "vi nudge-poller.md al-witness"] {
            assert!(!polls(line), "{line}");
        }
    }
}
