//! The town's agents under other names, or on another tmux server than the one that gtd looks at: whoever lives there must not
//! get a second set of agents beside it.

use super::World;
use super::gastown;
use super::sessions;
use super::tmux::{Socket, Tmux};
use crate::decide::is_ours;
use crate::sys::attention::Stopped;
use crate::town::agent::AgentId;
use crate::town::config::Config;
use crate::town::names::Generation;
use crate::town::outage::Outage;
use crate::town::rigs::Rig;
use crate::town::snapshot::{Elsewhere, PaneState, Session, Snapshot};
use crate::town::sorted::{SortedMap, SortedSet};
use crate::town::text::{COMMAND, REREAD};
use std::fmt;
use std::path::Path;

/// A tmux server in words.
pub struct Place<'a>(pub &'a Socket);

impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Socket::Default => f.write_str("the user's tmux server"),
            other => write!(f, "the tmux server {}", other.options().join(" ")),
        }
    }
}

/// A server's PID, where there is one, and the sessions that were looked for, with whose they are.
pub type Patrols = (Option<u32>, Names);

/// Names of sessions, and whose they are.
pub type Names = SortedMap<String, AgentId>;

impl World {
    /// The tmux servers that this town could be on, each with the generations that would have it there: as it is configured, and
    /// with `all` also where it would be if that were not so, and where it was before, since it may live there still.
    pub fn places(&self, all: bool) -> Vec<(Socket, Vec<Generation>)> {
        let named = std::env::var("GT_TMUX_SOCKET").ok();
        let mut without = self.config.clone();
        without.tmux_socket = None;
        let mut ways: Vec<(&Config, Option<&str>)> = vec![(&self.config, named.as_deref())];
        if all {
            ways.extend([(&without, named.as_deref()), (&without, None)]);
        }
        let mut places: Vec<(Socket, Vec<Generation>)> = Vec::new();
        for (config, named) in ways {
            for generation in Generation::ALL {
                let socket = gastown::socket(config, Some(generation), named, &self.real_root);
                match places.iter_mut().find(|(known, _)| *known == socket) {
                    Some((_, generations)) if generations.contains(&generation) => {}
                    Some((_, generations)) => generations.push(generation),
                    None => places.push((socket, vec![generation])),
                }
            }
        }
        if all {
            for former in &self.former {
                if places.iter().all(|(known, _)| known != former) {
                    places.push((former.clone(), Vec::new()));
                }
            }
        }
        places
    }

    /// The patrol sessions of this town on a server, under the names of any generation, that hold a living program; and the
    /// server's PID, where there is one: the same server can have several names (`-L default`).
    ///
    /// # Errors
    /// [`Stopped`]; within, an outage where the server does not answer.
    pub(super) fn patrols_on(&mut self, socket: &Socket, names: &Names) -> Result<Result<Patrols, Outage>, Stopped> {
        let Some(program) = self.tools.tmux.as_deref() else {
            return Ok(Err(Outage::new("tmux is not installed, or not where gtd looks")));
        };
        let tmux = Tmux::new(program, socket.clone(), &self.real_root);
        let lines = match tmux.panes(&mut self.attention)? {
            Ok(lines) => lines,
            Err(outage) => return Ok(Err(Outage::new(format!("{}: {outage}", Place(socket))))),
        };
        let server = sessions::server(&lines).map(|(pid, _)| pid);
        let sessions = sessions::sessions(lines, &SortedSet::new());
        Ok(Ok((server, patrols_among(&sessions, &self.real_root, names))))
    }

    /// Looks for the town's patrol agents under other names and on other servers, and notes in the snapshot what it found: one
    /// process for each server.
    ///
    /// # Errors
    /// [`Stopped`].
    pub fn look_elsewhere(&mut self, snapshot: &mut Snapshot) -> Result<(), Stopped> {
        let (Ok(generation), Ok(here)) = (&snapshot.generation, &snapshot.sessions) else { return Ok(()) };
        let own = generation.table().patrol_sessions(&self.root, &snapshot.rigs);
        let all = patrol_names(&self.root, &snapshot.rigs);
        let current = self.socket().cloned();
        let own_server = snapshot.server.as_ref().map(|server| server.process.pid);
        let mut found: Vec<Found> = Vec::new();
        let mut servers = vec![own_server];
        for (socket, generations) in self.places(true) {
            let is_here = Some(&socket) == current.as_ref();
            let names = if is_here {
                patrols_among(here, &self.real_root, &all)
            } else {
                match self.patrols_on(&socket, &all)? {
                    Ok((server, _)) if server.is_some() && servers.contains(&server) => continue,
                    Ok((server, names)) => {
                        servers.push(server);
                        names
                    }
                    Err(outage) => {
                        self.no_answer_elsewhere = true;
                        let former = self.former.contains(&socket);
                        snapshot.elsewhere = Elsewhere::Unknown { outage, former };
                        return Ok(());
                    }
                }
            };
            let mut others = names;
            others.retain(|name, _| !is_here || !own.contains_key(name));
            if !others.is_empty() {
                let how = match (is_here, generations.is_empty()) {
                    (true, _) => ": another Gas Town's names",
                    (_, true) => ", where the town was before",
                    (_, false) => ", and gtd uses another",
                };
                found.push((socket, how, others));
            }
        }
        let mut agents = SortedSet::new();
        for id in found.iter().flat_map(|(_, _, others)| others.values()) {
            agents.insert(id.clone());
        }
        snapshot.elsewhere = match found.is_empty() {
            true => Elsewhere::Nobody,
            false => Elsewhere::Somebody { text: told(&found), agents },
        };
        Ok(())
    }
}

/// So many sessions are named to a person; the others are counted.
const NAMED: usize = 3;
/// So many are ended by one command: whoever runs it is told of the others at the next look.
const ENDED: usize = 20;

/// A server, how it is one besides, and who lives there.
type Found = (Socket, &'static str, Names);

/// Who lives where, what can be done about it, and one command that ends them all.
fn told(found: &[Found]) -> String {
    let (mut who, mut commands) = (Vec::new(), Vec::new());
    for (socket, how, others) in found {
        let (mut shown, mut ends) = (Vec::new(), Vec::new());
        for name in others.keys() {
            if shown.len() < NAMED {
                shown.push(name.as_str());
            }
            if ends.len() < ENDED {
                // In quotation marks for zsh, which takes a bare = for a program's path.
                ends.push(format!("kill-session -t '={name}'"));
            }
        }
        let more = match others.len().saturating_sub(NAMED) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        let verb = if others.len() == 1 { "lives" } else { "live" };
        who.push(format!("{}{more} {verb} on {}{how}", shown.join(", "), Place(socket)));
        let mut tmux = vec!["tmux"];
        tmux.append(&mut socket.options());
        commands.push(format!("{} {}", tmux.join(" "), ends.join(" \\; ")));
    }
    let (who, commands) = (who.join("; "), commands.join("; "));
    format!("{who}. Set gtd.gastown or gtd.tmux_socket{REREAD}{COMMAND}{commands}")
}

/// The sessions of a town's patrol agents under the names of any generation, and whose they are.
pub fn patrol_names(root: &Path, rigs: &[Rig]) -> Names {
    let mut names = Names::new();
    for generation in Generation::ALL {
        names.extend(generation.table().patrol_sessions(root, rigs));
    }
    names
}

fn patrols_among(sessions: &[Session], real_root: &Path, names: &Names) -> Names {
    let lives = |session: &Session| {
        session.panes.as_deref().unwrap_or_default().iter().any(|pane| pane.state == PaneState::Running)
    };
    let mut found = Names::new();
    for session in sessions {
        if is_ours(session, real_root)
            && lives(session)
            && let Some(id) = names.get(&session.name)
        {
            found.insert(session.name.clone(), id.clone());
        }
    }
    found
}
