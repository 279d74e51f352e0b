//! What is asked of gtd: what is taken on, what is discarded, what is to be done next, and when it is done.
//!
//! A request is checked once, in [`take_on`]. From then on only its claim counts, and whether the claim is fulfilled is told
//! by looking: so it does not matter at which instant gtd was killed in between.

use super::agents::{hold_of_request, is_patrol_agent};
use super::pacing::is_first_start;
use super::sighting::{Sighting, pane_ref, sighting};
use crate::town::agent::{AgentId, Name};
use crate::town::history::History;
use crate::town::identity::Roll;
use crate::town::mail::{Kind, Mail};
use crate::town::names::Agent;
use crate::town::plan::{Hold, Newest, PaneRef, Place, newest};
use crate::town::process::Process;
use crate::town::process::Program;
use crate::town::request::{Action, Claim, ShutDown, Source, Spent};
use crate::town::snapshot::{Inbox, Snapshot};
use crate::town::sorted::{SortedMap, SortedSet, sort_by};
use crate::town::text::{clean, shown};
use crate::town::time::Wall;
use std::time::Duration;

/// Older requests are discarded: who asked has long given up.
pub const TOO_OLD: Duration = Duration::from_hours(6);
/// Mails that are dealt with in one pass; the rest waits for the next look.
const AT_A_TIME: usize = 20;
/// A claim that was tried so often in vain is given up, and the ordinary rules take the agent over.
const MOST_TRIES: u32 = 5;

/// Who can be asked for in this town.
pub fn roll(snapshot: &Snapshot) -> Option<Roll<'_>> {
    let table = snapshot.generation.as_ref().ok()?.table();
    Some(Roll { table, rigs: &snapshot.rigs, crew: &snapshot.crew })
}

/// An agent of this town as Gas Town's generation has it.
pub fn agent_of(id: &AgentId, snapshot: &Snapshot, root: &std::path::Path) -> Option<Agent> {
    let roll = roll(snapshot)?;
    let known = snapshot.agents.iter().find(|agent| agent.id == *id);
    Some(known.cloned().unwrap_or_else(|| roll.table.agent(root, id.clone(), roll.rig(id))))
}

/// A request on its way to be claimed.
struct Asked {
    source: Source,
    at: Wall,
    wanted: Result<(AgentId, Action), String>,
}

/// Checks what is new in the inbox and in the spool, and takes it on or discards it.
pub fn take_on(history: &mut History, snapshot: &Snapshot) -> TakenOn {
    let now = snapshot.now.wall;
    let (Some(roll), Ok(_)) = (roll(snapshot), &snapshot.sessions) else {
        // Whoever it is for cannot be seen, so that nobody could tell later whether it was done. Nothing is lost by waiting.
        return TakenOn::default();
    };
    let mut asked: Vec<Asked> = Vec::new();
    let spent = spent(history);
    if let Inbox::Read(mails) = &snapshot.inbox {
        for mail in mails {
            let source = Source::Mail(mail.id.clone());
            if !spent.contains(&source)
                && let Kind::Lifecycle(identity, action) = mail.kind()
            {
                let wanted = wish_of_mail(mail, identity, action, &roll, snapshot);
                asked.push(Asked { source, at: mail.sent.unwrap_or(now), wanted });
            }
        }
    }
    for file in &snapshot.spool {
        let source = Source::Spool(file.name.clone());
        if spent.contains(&source) {
            continue;
        }
        let wanted = file.order.clone().and_then(|order| {
            let known = roll.agents().contains(&order.agent);
            if known { Ok((order.agent, order.action)) } else { Err(format!("there is no {}", order.agent)) }
        });
        let at = file.order.as_ref().map_or(now, |order| order.at);
        asked.push(Asked { source, at, wanted });
    }
    sort_by(&mut asked, |a, b| (a.at, &a.source).cmp(&(b.at, &b.source)));
    let mut last_word: SortedMap<&AgentId, usize> = SortedMap::new();
    for (n, one) in asked.iter().enumerate() {
        if let Ok((agent, action)) = &one.wanted
            && *action != Action::Reset
            && now.since(one.at) <= TOO_OLD
        {
            last_word.insert(agent, n);
        }
    }
    let more = asked.len() > AT_A_TIME;
    let (mut lines, mut resets) = (Vec::new(), Vec::new());
    for (n, one) in asked.iter().enumerate().take(AT_A_TIME) {
        history.spent.push(Spent { source: one.source.clone(), at: now, gone: false, stays: false });
        let discard = |why: &str| format!("Discarding {}: {}", one.source, clean(why, 300));
        lines.push(match &one.wanted {
            Err(why) => discard(why),
            Ok(_) if now.since(one.at) > TOO_OLD => discard("it is older than 6h"),
            Ok((agent, action))
                if *action != Action::Reset
                    && (last_word.get(agent) != Some(&n)
                        // A word from the future was said before the clock was set back: it overtakes nothing.
                        || history.agent(agent).last_word.is_some_and(|before| one.at < before && before <= now)) =>
            {
                discard(&format!("{action} of {} has been overtaken by a later word", agent.label()))
            }
            Ok((agent, action)) => {
                let label = agent.label();
                match action {
                    Action::Reset => resets.push(label.clone()),
                    _ => history.agents.get_or_default(agent.clone()).last_word = Some(one.at),
                }
                let overtaken = claim(history, snapshot, &one.source, agent, *action);
                let mut line = format!("Processing lifecycle request from {}: {action} of {label}", one.source);
                if let Some(before) = overtaken {
                    line.push_str(&format!("; {before} is overtaken"));
                }
                line
            }
        });
    }
    TakenOn { lines, resets, more }
}

/// What came of [`take_on`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TakenOn {
    /// What is to be said; where there is anything, the memory has to be saved before anything else is done.
    pub lines: Vec<String>,
    /// Whose restarts are forgotten: of these nothing more is to be done.
    pub resets: Vec<String>,
    /// Whether there is more than one pass deals with.
    pub more: bool,
}

/// What was dealt with.
pub fn spent(history: &History) -> SortedSet<&Source> {
    history.spent.iter().map(|spent| &spent.source).collect()
}

/// What a mail asks for, or why it is refused.
fn wish_of_mail(
    mail: &Mail,
    identity: &str,
    action: Result<Action, &str>,
    roll: &Roll,
    snapshot: &Snapshot,
) -> Result<(AgentId, Action), String> {
    let agent = roll.find(identity).map_err(|why| format!("{}: {why}", shown(identity, 80)))?;
    let action = action?;
    mail.sent.ok_or("its time cannot be read")?;
    if !roll.may_speak(&mail.from, &agent) {
        return Err(format!("{} may not speak for {agent}", shown(&mail.from, 80)));
    }
    let keys = snapshot.wishes.get(&agent).map(Vec::as_slice).unwrap_or_default();
    let key = action.state_key();
    if !keys.is_empty() && !keys.iter().any(|(name, wanted)| *name == key && *wanted) {
        return Err(format!("the state.json of {agent} does not ask for it: {key} is not true"));
    }
    Ok((agent, action))
}

/// Takes a request on; whatever was asked for this agent before and is not done is overtaken.
fn claim(
    history: &mut History,
    snapshot: &Snapshot,
    source: &Source,
    agent: &AgentId,
    action: Action,
) -> Option<Action> {
    let now = snapshot.now.wall;
    let entry = history.agents.get_or_default(agent.clone());
    if action != Action::Shutdown {
        entry.restarts.clear();
        entry.quarantined = None;
        entry.silence = None;
        entry.silent_restarts = 0;
    }
    match action {
        Action::Reset => return None,
        Action::Shutdown => entry.shut_down = Some(ShutDown { since: now, by: source.clone(), seen_down: false }),
        Action::Cycle | Action::Restart | Action::Start => entry.shut_down = None,
    }
    let before = history.requests.iter().position(|claim| claim.agent == *agent);
    let before = before.map(|at| history.requests.remove(at).action);
    let program = program_of(agent, snapshot, history.agent(agent).program);
    let (source, agent) = (source.clone(), agent.clone());
    history.requests.push(Claim { source, action, agent, program, at: now, tries: 0 });
    before
}

/// The program that an agent has now; where that cannot be seen, the last one.
fn program_of(id: &AgentId, snapshot: &Snapshot, last: Option<Program>) -> Option<Program> {
    let agent = agent_of(id, snapshot, &snapshot.root)?;
    match sighting(&agent, snapshot) {
        Sighting::Alive(_, pane) => Some(Program { pane: pane.id, process: pane.process, by_gtd: false }),
        Sighting::Unknown(_) => last,
        _ => None,
    }
}

/// What is to be done for a claim.
#[derive(Clone, Debug, PartialEq)]
pub enum Deed {
    /// Nothing more: it is so already.
    Done(String),
    /// Nothing ever.
    GiveUp(String),
    /// Nothing yet.
    Wait(String),
    /// Save the screen of this pane, if there is one, end its tree, and start the agent at this place.
    Restart {
        /// What runs now.
        old: Option<PaneRef>,
        /// Where the new one runs.
        place: Place,
        /// A program of this agent that may live on without its session.
        leftover: Option<Process>,
    },
    /// Save the screen, end the tree, and the session, or, where others have panes in it, the pane.
    End {
        /// The agent's pane.
        pane: PaneRef,
        /// Whether nobody else has a pane in the session.
        alone: bool,
    },
}

/// What is to be done for one claim, as this snapshot shows its agent.
pub fn deed(claim: &Claim, agent: &Agent, snapshot: &Snapshot, history: &History) -> Deed {
    if claim.tries >= MOST_TRIES {
        return Deed::GiveUp(format!("tried {MOST_TRIES} times in vain"));
    }
    if snapshot.now.wall.since(claim.at) > TOO_OLD {
        return Deed::GiveUp("it could not be done within 6h".to_owned());
    }
    // Without its rig nobody knows what its session is called.
    if agent.id.rig().is_some_and(|rig| snapshot.rigs.iter().all(|known| known.name != *rig)) {
        return Deed::GiveUp("its rig has left the town".to_owned());
    }
    let sighting = sighting(agent, snapshot);
    match sighting {
        Sighting::Unknown(outage) => return Deed::Wait(format!("tmux does not answer: {outage}")),
        Sighting::Foreign(_) => return Deed::GiveUp("the session belongs to another town".to_owned()),
        _ => {}
    }
    let hold = hold_of_request(agent, snapshot, history.agent(&claim.agent));
    if claim.action == Action::Shutdown {
        return match (sighting, hold) {
            (Sighting::Alive(session, pane) | Sighting::Exited(session, pane), hold) => match hold {
                // Whatever else holds the town, `gt down` is not to be disturbed.
                Some(_) if snapshot.holds.shutting_down => Deed::Wait(Hold::ShuttingDown.to_string()),
                Some(hold @ (Hold::GoingDown(_) | Hold::NoGeneration(_))) => Deed::Wait(hold.to_string()),
                _ => {
                    let alone = session.panes.as_ref().is_ok_and(|panes| panes.len() == 1);
                    Deed::End { pane: pane_ref(session, pane), alone }
                }
            },
            _ => Deed::Done("it is down".to_owned()),
        };
    }
    if let Sighting::Alive(_, pane) = sighting {
        let is_claimed = claim.program.is_some_and(|p| p.process == pane.process);
        if !is_claimed || claim.action == Action::Start {
            return Deed::Done(format!("it runs as PID {}", pane.process.pid));
        }
    }
    if let Some(hold) = hold {
        return Deed::Wait(hold.to_string());
    }
    let leftover = history.agent(&claim.agent).program.map(|p| p.process);
    match sighting {
        Sighting::Alive(session, pane) | Sighting::Exited(session, pane) => {
            let pane = pane_ref(session, pane);
            Deed::Restart { old: Some(pane.clone()), place: Place::InPlace(pane), leftover: None }
        }
        Sighting::NoPane => Deed::Restart { old: None, place: Place::NewWindow, leftover },
        _ => Deed::Restart { old: None, place: Place::NewSession, leftover },
    }
}

/// What is to be found out before these are done, as before any start: the newest of the patrol agents that are started, and
/// their rigs. Where one has its pane, the rig was in use a moment ago, and nothing is asked.
pub fn starts_of(deeds: &[(Claim, Agent, Deed)], history: &History) -> (Option<Newest>, SortedSet<Name>) {
    let mut first = Vec::new();
    let mut rigs = SortedSet::new();
    for (_, agent, deed) in deeds {
        if matches!(deed, Deed::Restart { old: None, .. }) && is_patrol_agent(agent) {
            first.push(is_first_start(history.agent(&agent.id)));
            rigs.extend(agent.id.rig().cloned());
        }
    }
    (newest(first.into_iter()), rigs)
}

/// Ends a claim: it is done or given up. What was shut down is forgotten, so that its end is no death; what could not be
/// shut down is no longer held down.
pub fn settle(history: &mut History, claim: &Claim, done: bool) {
    history.requests.retain(|other| other != claim);
    if claim.action == Action::Shutdown {
        let entry = history.agents.get_or_default(claim.agent.clone());
        if done {
            entry.program = None;
            entry.up_since = None;
            entry.grace_until = None;
            entry.poke_owed = false;
        } else {
            entry.shut_down = None;
        }
    }
}

/// Notes a try in vain.
pub fn note_failure(history: &mut History, claim: &Claim) {
    if let Some(open) = history.requests.iter_mut().find(|other| *other == claim) {
        open.tries += 1;
    }
}

/// Forgets sources that are gone, and those that are too old to be taken on again.
pub fn forget_spent(history: &mut History, snapshot: &Snapshot) {
    let now = snapshot.now.wall;
    let mails: Option<SortedSet<&str>> = match &snapshot.inbox {
        Inbox::Read(mails) => Some(mails.iter().map(|mail| mail.id.as_str()).collect()),
        _ => None,
    };
    let files: SortedSet<&str> = snapshot.spool.iter().map(|file| file.name.as_str()).collect();
    history.spent.retain(|spent| {
        let there = match &spent.source {
            Source::Mail(id) => mails.as_ref().is_none_or(|mails| mails.contains(id.as_str())),
            Source::Spool(name) => files.contains(name.as_str()),
        };
        let old = now.since(spent.at) > TOO_OLD;
        there || !(spent.gone || old)
    });
}
