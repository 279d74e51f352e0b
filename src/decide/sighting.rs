//! What a snapshot shows of one agent.

use crate::town::history::Absence;
use crate::town::names::Agent;
use crate::town::outage::Outage;
use crate::town::plan::{Addressee, Missing, PaneRef};
use crate::town::process::Program;
use crate::town::snapshot::{Pane, PaneState, Session, Snapshot};
use std::path::Path;

/// An agent as tmux shows it.
#[derive(Clone, Copy, Debug)]
pub enum Sighting<'a> {
    /// tmux did not tell.
    Unknown(&'a Outage),
    /// Its session is another town's.
    Foreign(&'a Session),
    /// It has no session.
    NoSession,
    /// Its session is there, its pane is not.
    NoPane,
    /// Its pane is there, its program is not: it ended, or only its shell is left.
    Exited(&'a Session, &'a Pane),
    /// Its program lives.
    Alive(&'a Session, &'a Pane),
}

/// Finds an agent in a snapshot.
pub fn sighting<'a>(agent: &Agent, snapshot: &'a Snapshot) -> Sighting<'a> {
    let sessions = match &snapshot.sessions {
        Ok(sessions) => sessions,
        Err(outage) => return Sighting::Unknown(outage),
    };
    let Ok(place) = sessions.binary_search_by(|session| session.name.cmp(&agent.session)) else {
        return Sighting::NoSession;
    };
    let session = &sessions[place];
    // First, since what cannot be read does not say whose it is either.
    let panes = match &session.panes {
        Ok(panes) => panes,
        Err(outage) => return Sighting::Unknown(outage),
    };
    if !is_ours(session, &snapshot.root) {
        return Sighting::Foreign(session);
    }
    let Some(pane) = agents_pane(session, panes) else {
        return Sighting::NoPane;
    };
    match pane.state {
        PaneState::Running => Sighting::Alive(session, pane),
        PaneState::BareShell | PaneState::Dead(_) => Sighting::Exited(session, pane),
    }
}

impl Sighting<'_> {
    /// In which way the agent is not there, and how that reads; `None` where it is, or where nobody knows.
    pub fn absence(self) -> Option<(Absence, Missing)> {
        match self {
            Sighting::NoSession => Some((Absence::NoSession, Missing::Session)),
            Sighting::NoPane => Some((Absence::NoPane, Missing::Pane)),
            Sighting::Exited(_, pane) => match pane.state {
                PaneState::Dead(ended) => Some((Absence::Dead(pane.process.pid), Missing::Ended(ended))),
                _ => Some((Absence::BareShell(pane.process.pid), Missing::OnlyShell)),
            },
            Sighting::Unknown(_) | Sighting::Foreign(_) | Sighting::Alive(..) => None,
        }
    }
}

/// The session where an agent's last program lives on, if its own session or pane is gone: somebody has renamed the one, or
/// moved the other.
pub fn moved_to<'a>(sighting: Sighting, last: Option<Program>, snapshot: &'a Snapshot) -> Option<&'a str> {
    let (Sighting::NoSession | Sighting::NoPane, Some(last)) = (sighting, last) else {
        return None;
    };
    let holds =
        |pane: &Pane| pane.state == PaneState::Running && pane.process == last.process && last.process.start != 0;
    let sessions = snapshot.sessions.as_deref().unwrap_or_default();
    let session = sessions.iter().find(|s| s.panes.as_deref().unwrap_or_default().iter().any(holds));
    session.map(|session| session.name.as_str())
}

/// Whether a session belongs to the town at `root`: gtd's mark decides; without one, where it was made.
pub fn is_ours(session: &Session, root: &Path) -> bool {
    match &session.town {
        Some(town) => Path::new(town) == root,
        None => session.path.starts_with(root),
    }
}

/// The pane that bears the agent's mark; in a session that bears no mark of gtd's at all, its oldest pane.
fn agents_pane<'a>(session: &Session, panes: &'a [Pane]) -> Option<&'a Pane> {
    let marked = panes.iter().find(|p| p.agent.as_deref() == Some(session.name.as_str()));
    match (marked, &session.town) {
        (Some(pane), _) => Some(pane),
        (None, Some(_)) => None,
        (None, None) => panes.iter().min_by_key(|p| p.id),
    }
}

/// The pane that is to get gtd's marks, in a session of the town that has none.
pub fn unmarked_pane(agent: &Agent, snapshot: &Snapshot) -> Option<PaneRef> {
    match sighting(agent, snapshot) {
        Sighting::Alive(session, pane) if session.town.is_none() => Some(pane_ref(session, pane)),
        _ => None,
    }
}

/// The pane as it is typed into.
pub fn addressee(session: &Session, pane: &Pane) -> Addressee {
    Addressee {
        pane: pane_ref(session, pane),
        last_input: session.last_input.seconds(),
        in_mode: pane.in_mode,
        resize: false,
    }
}

/// The pane as a guard finds it again.
pub fn pane_ref(session: &Session, pane: &Pane) -> PaneRef {
    PaneRef {
        id: pane.id,
        session: session.name.clone(),
        process: pane.process,
        mark: pane.agent.clone().unwrap_or_default(),
    }
}
