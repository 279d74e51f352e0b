//! The rules for an agent, in their order: the first that matches gives the verdict.

use super::messages::message;
use super::pacing;
use super::sighting::{Sighting, addressee, moved_to, pane_ref, sighting};
use super::silence::{Answer, answer};
use crate::town::agent::{AgentId, Role};
use crate::town::config::Config;
use crate::town::history::AgentHistory;
use crate::town::names::Agent;
use crate::town::plan::{Addressee, Awake, Delay, Hold, Leave, Missing, Place, Trigger, Verdict};
use crate::town::snapshot::{Dock, Elsewhere, Pane, Report, Reports, Session, Snapshot, in_use};
use crate::town::sorted::SortedSet;
use crate::town::time::Moment;
use std::time::Duration;

/// Somebody who typed within this time into a bare shell, or to an agent that does not answer, may still want it.
const STILL_WANTED: Duration = Duration::from_mins(5);
/// Somebody who typed to an agent within this time is talking to it.
const IN_CONVERSATION: Duration = Duration::from_mins(1);
/// Output so recent shows an agent at work.
const AT_WORK: Duration = Duration::from_secs(10);
/// Output so soon after a poke may be no more than the poke's own echo.
const ECHO: Duration = Duration::from_secs(5);
/// Reports that ask for a person: not a reason to end a program that lives, and none to poke it.
const NOT_POKED: [&str; 9] =
    ["stopped", "dead", "done", "nuked", "escalated", "stuck", "paused", "muted", "awaiting-gate"];

/// The verdict for one agent; `doubled` are the names of sessions that more than one agent has.
pub fn judge(
    agent: &Agent,
    trigger: Trigger,
    snapshot: &Snapshot,
    history: &AgentHistory,
    doubled: &SortedSet<&str>,
    starts: &mut Starts,
) -> Verdict {
    if let Some(hold) = hold(agent, snapshot, history, doubled) {
        return Verdict::Hold(hold);
    }
    let sighting = sighting(agent, snapshot);
    if let Some(session) = moved_to(sighting, history.program, snapshot) {
        return Verdict::Leave(Leave::Moved(session.to_owned()));
    }
    if let Some((_, absence)) = sighting.absence() {
        return match hold_of_start(agent, snapshot, history) {
            Some(hold) => Verdict::Hold(hold),
            None => gone(sighting, absence, snapshot, history, starts),
        };
    }
    match sighting {
        Sighting::Foreign(session) => {
            let town = session.town.clone();
            let town = town.unwrap_or_else(|| session.path.display().to_string());
            Verdict::Leave(Leave::Foreign(town))
        }
        Sighting::Alive(session, pane) => alive(agent, trigger, snapshot, history, (session, pane), starts),
        Sighting::Unknown(outage) => Verdict::Leave(Leave::Unknown(outage.clone())),
        // Handled above: each of these has an absence.
        Sighting::NoSession | Sighting::NoPane | Sighting::Exited(..) => Verdict::Leave(Leave::Alive),
    }
}

/// Rule 1.
fn hold(agent: &Agent, snapshot: &Snapshot, history: &AgentHistory, doubled: &SortedSet<&str>) -> Option<Hold> {
    let patrol_off = || {
        let (config, role) = (&snapshot.config, agent.id.role());
        let hold = if config.patrols(role) { Hold::NotListed(role) } else { Hold::PatrolOff };
        (!is_patrolled(agent, config)).then_some(hold)
    };
    let shut_down = || history.shut_down.as_ref().map(|shut_down| Hold::ShutDown(shut_down.by.clone()));
    let twin = || doubled.contains(agent.session.as_str()).then(|| twin(agent, snapshot)).flatten();
    let rest = || gt_holds(agent, snapshot).or_else(|| no_directory(agent, snapshot)).or_else(twin);
    towns_hold(agent, snapshot).or_else(patrol_off).or_else(shut_down).or_else(rest)
}

/// What stands in the way of starting an agent, even one that somebody asks for. That nobody is started there of itself is
/// no such thing, nor that it is not known whether the rig is docked: who asks knows what he wants.
pub fn hold_of_request(agent: &Agent, snapshot: &Snapshot, history: &AgentHistory) -> Option<Hold> {
    let docked = || docked(agent, snapshot).filter(|hold| matches!(hold, Hold::Docked(_)));
    let elsewhere = || elsewhere(agent, snapshot, pacing::is_first_start(history));
    towns_hold(agent, snapshot)
        .or_else(|| gt_holds(agent, snapshot))
        .or_else(|| no_directory(agent, snapshot))
        .or_else(|| twin(agent, snapshot))
        .or_else(docked)
        .or_else(elsewhere)
}

/// Whether this is one of those that gtd starts of itself.
pub const fn is_patrol_agent(agent: &Agent) -> bool {
    matches!(agent.id, AgentId::Deacon | AgentId::Witness(_) | AgentId::Refinery(_))
}

/// Parked rigs and a paused Deacon: neither started nor poked, as somebody has told `gt`.
fn gt_holds(agent: &Agent, snapshot: &Snapshot) -> Option<Hold> {
    let holds = &snapshot.holds;
    match (&agent.id, &holds.paused) {
        (AgentId::Deacon, Some(reason)) => return Some(Hold::Paused(reason.clone())),
        (AgentId::Deacon | AgentId::Mayor, _) => {}
        // Crew members belong to a person; gt parks a rig's patrols.
        (AgentId::Witness(rig) | AgentId::Refinery(rig), _) if holds.parked.contains(rig) => return Some(Hold::Parked),
        _ => {}
    }
    None
}

/// What keeps an agent from being started, though it would be poked if it lived. As in Gas Town's own daemon, `auto_restart`
/// means first starts as well.
fn hold_of_start(agent: &Agent, snapshot: &Snapshot, history: &AgentHistory) -> Option<Hold> {
    if agent.id.rig().is_some_and(|rig| snapshot.holds.no_restart.contains(rig)) {
        return Some(Hold::NoAutoRestart);
    }
    let first = pacing::is_first_start(history);
    // An outage of bd delays no restart: gtd is there to keep agents alive, and one too many in a docked rig costs little.
    // Who was never started is missed by nobody, and waits until bd answers.
    let docked = docked(agent, snapshot).filter(|hold| first || matches!(hold, Hold::Docked(_)));
    docked.or_else(|| elsewhere(agent, snapshot, first))
}

fn docked(agent: &Agent, snapshot: &Snapshot) -> Option<Hold> {
    if !is_patrol_agent(agent) {
        return None;
    }
    match snapshot.docks.get(agent.id.rig()?)? {
        Dock::Docked(label) => Some(Hold::Docked(label.clone())),
        Dock::Unknown(outage) => Some(Hold::DockUnknown(outage.clone())),
        Dock::Free => None,
    }
}

/// Nobody is begun beside a population that lives elsewhere. Who was started here before is one of those here, and comes back,
/// unless he himself lives there by now; where the town has moved, and nobody knows, he may.
fn elsewhere(agent: &Agent, snapshot: &Snapshot, first: bool) -> Option<Hold> {
    if !is_patrol_agent(agent) {
        return None;
    }
    match &snapshot.elsewhere {
        Elsewhere::Somebody { text, agents } if first || agents.contains(&agent.id) => {
            Some(Hold::Elsewhere(text.clone()))
        }
        Elsewhere::Unknown { outage, former } if first || *former => Some(Hold::ElsewhereUnknown(outage.clone())),
        _ => None,
    }
}

/// What holds the town, or the rig.
fn towns_hold(agent: &Agent, snapshot: &Snapshot) -> Option<Hold> {
    let holds = &snapshot.holds;
    if let Err(outage) = &snapshot.generation {
        return Some(Hold::NoGeneration(outage.clone()));
    }
    if agent.id != AgentId::Mayor {
        if let Some(reason) = &holds.estop {
            return Some(Hold::Estop(reason.clone()));
        }
        if let Some(reason) = agent.id.rig().and_then(|rig| holds.stopped_rigs.get(rig)) {
            return Some(Hold::RigEstop(reason.clone()));
        }
    }
    holds.shutting_down.then_some(Hold::ShuttingDown).or_else(|| holds.going_down.map(Hold::GoingDown))
}

/// Its working directory is not there.
fn no_directory(agent: &Agent, snapshot: &Snapshot) -> Option<Hold> {
    let is_missing = snapshot.holds.no_directory.contains(&agent.id);
    is_missing.then(|| Hold::NoDirectory(agent.dir.display().to_string()))
}

/// The names of sessions that more than one agent has.
pub fn doubled(agents: &[Agent]) -> SortedSet<&str> {
    let mut seen = SortedSet::new();
    agents.iter().map(|agent| agent.session.as_str()).filter(|session| !seen.insert(*session)).collect()
}

/// The agent that has the same session name.
fn twin(agent: &Agent, snapshot: &Snapshot) -> Option<Hold> {
    let twin = |other: &&Agent| other.session == agent.session && other.id != agent.id;
    snapshot.agents.iter().find(twin).map(|other| Hold::SameSession(other.id.clone()))
}

/// Whether this agent's patrol is on.
pub fn is_patrolled(agent: &Agent, config: &Config) -> bool {
    let role = agent.id.role();
    config.patrols(role) && agent.id.rig().is_none_or(|rig| config.patrols_rig(role, rig.as_str()))
}

/// Rules 4 and 5.
fn gone(
    sighting: Sighting,
    absence: Missing,
    snapshot: &Snapshot,
    history: &AgentHistory,
    starts: &mut Starts,
) -> Verdict {
    let now = snapshot.now;
    let wait = |why, until| Verdict::Wait { absence, why, until };
    if let (Sighting::Exited(session, pane), Missing::OnlyShell) = (sighting, absence)
        && in_use(session, pane, now.wall, STILL_WANTED)
    {
        let last = session.last_input.max(pane.elsewhere.unwrap_or(session.last_input));
        return wait(Delay::Person, now.at_wall(last.plus(STILL_WANTED)));
    }
    // What is gone was observed to be so; if it was not, it has just begun to.
    let Some(gone) = &history.gone else {
        return wait(Delay::Settling, now.plus(snapshot.config.settle));
    };
    let (at, why) = pacing::earliest_start(history, gone, &snapshot.config);
    if at.tick > now.tick {
        return wait(why, at);
    }
    if let Err(at) = starts.take() {
        return wait(Delay::Turn, at);
    }
    let place = match sighting {
        Sighting::Exited(session, pane) => Place::InPlace(pane_ref(session, pane)),
        Sighting::NoPane => Place::NewWindow,
        _ => Place::NewSession,
    };
    Verdict::Start {
        absence,
        place,
        restart: !pacing::is_first_start(history),
        leftover: history.program.map(|p| p.process),
    }
}

/// Rules 6 to 10.
fn alive(
    agent: &Agent,
    trigger: Trigger,
    snapshot: &Snapshot,
    history: &AgentHistory,
    (session, pane): (&Session, &Pane),
    starts: &mut Starts,
) -> Verdict {
    let now = snapshot.now;
    let answer = answer(history, pane, snapshot);
    let again = matches!(answer, Answer::OnePoke(at) if at.tick <= now.tick);
    let poke_due = snapshot.config.heartbeat_enabled && (trigger == Trigger::Heartbeat || history.poke_owed || again);
    if let Some(until) = history.grace_until.filter(|until| until.tick > now.tick) {
        let poke_waits = poke_due;
        return Verdict::Leave(Leave::Grace { until, poke_waits });
    }
    // Who talks to it sees for himself whether it answers.
    if !in_use(session, pane, now.wall, STILL_WANTED) {
        match answer {
            Answer::None { since, unread } => {
                if let Some(hold) = hold_of_start(agent, snapshot, history) {
                    return Verdict::Hold(hold);
                }
                return unanswering(snapshot, history, (session, pane), since, unread, starts);
            }
            Answer::InVain => return Verdict::Leave(Leave::NoAnswer),
            Answer::Fine | Answer::OnePoke(_) | Answer::TwoPokes { .. } => {}
        }
    }
    if let Some(word) = asks_for_a_person(agent, &snapshot.reports) {
        return Verdict::Leave(Leave::Reports(word));
    }
    if !poke_due {
        return Verdict::Leave(match answer {
            Answer::OnePoke(until) if snapshot.config.heartbeat_enabled => {
                Leave::Silent { twice: false, until: Some(until) }
            }
            Answer::TwoPokes { until } => Leave::Silent { twice: true, until },
            Answer::None { .. } | Answer::InVain => Leave::Silent { twice: true, until: None },
            Answer::Fine | Answer::OnePoke(_) => Leave::Alive,
        });
    }
    if in_use(session, pane, now.wall, IN_CONVERSATION) {
        return Verdict::Skip(Awake::Person);
    }
    if pane.synchronized {
        return Verdict::Skip(Awake::Synchronized);
    }
    if is_at_work(history, now) {
        return Verdict::Skip(Awake::Working);
    }
    let detached = session.attached == 0 && pane.elsewhere.is_none();
    Verdict::Poke {
        to: Addressee { resize: answer != Answer::Fine && detached, ..addressee(session, pane) },
        message: message(agent.id.role(), first_message(agent).wrapping_add(history.messages)),
    }
}

/// Rule 7.
fn unanswering(
    snapshot: &Snapshot,
    history: &AgentHistory,
    (session, pane): (&Session, &Pane),
    since: Moment,
    unread: u32,
    starts: &mut Starts,
) -> Verdict {
    let absence = Missing::Answer { unread };
    let (at, why) = pacing::earliest_restart(history, since, &snapshot.config);
    if at.tick > snapshot.now.tick {
        return Verdict::Wait { absence, why, until: at };
    }
    match starts.take() {
        Ok(()) => {
            let place = Place::InPlace(pane_ref(session, pane));
            Verdict::Start { absence, place, restart: true, leftover: None }
        }
        Err(until) => Verdict::Wait { absence, why: Delay::Turn, until },
    }
}

/// Rule 8.
fn asks_for_a_person(agent: &Agent, reports: &Reports) -> Option<String> {
    let Reports::Asked(reports) = reports else {
        return None;
    };
    match reports.get(&agent.bead) {
        Some(Report::Says(word)) if NOT_POKED.contains(&word.as_str()) => Some(word.clone()),
        _ => None,
    }
}

/// Rule 9, for an agent that works: it has put something out between two looks, a moment ago, and not merely because
/// of a poke. tmux's stamps are whole seconds.
fn is_at_work(history: &AgentHistory, now: Moment) -> bool {
    let Some(output) = history.output_between else {
        return false;
    };
    let recent = now.wall.since(output) <= AT_WORK;
    let own_doing = history.last_poke.is_some_and(|poke| output <= poke.wall.plus(ECHO));
    recent && !own_doing
}

/// Where an agent begins in its list: the rigs' Witnesses do not all say the same at the same time.
fn first_message(agent: &Agent) -> u64 {
    match agent.id.role() {
        Role::Deacon => 0,
        _ => agent.session.bytes().map(u64::from).sum(),
    }
}

/// How many agents may be started in this look.
#[derive(Debug)]
pub struct Starts {
    left: usize,
    next_batch: Moment,
}

/// A tmux server that died takes all agents with it: they come back a few at a time.
pub const STARTS_AT_A_TIME: usize = 5;
/// So many are started within this time, and no more.
pub const BETWEEN_BATCHES: Duration = Duration::from_secs(2);

impl Starts {
    /// What is left at `now`, if these were the last starts.
    pub fn new(now: Moment, last: &[Moment]) -> Starts {
        let recent = || last.iter().filter(|at| now.since(**at) < BETWEEN_BATCHES);
        let first = recent().fold(now, |first, at| if at.tick < first.tick { *at } else { first });
        Starts { left: STARTS_AT_A_TIME.saturating_sub(recent().count()), next_batch: first.plus(BETWEEN_BATCHES) }
    }

    /// Takes one start, or says when there will be more.
    fn take(&mut self) -> Result<(), Moment> {
        self.left = self.left.checked_sub(1).ok_or(self.next_batch)?;
        Ok(())
    }
}
